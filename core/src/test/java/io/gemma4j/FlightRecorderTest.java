package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class FlightRecorderTest {
    @TempDir
    Path folder;

    private List<RecordedEvent> events = List.of();

    private List<RecordedEvent> named(String name) {
        return events.stream().filter(event -> event.getEventType().getName().equals("io.gemma4j." + name)).toList();
    }

    @Test
    void loadsStepsAndGenerationsAreRecorded() throws Exception {
        Path file = folder.resolve("events.jfr");
        int promptTokens;
        try (Recording recording = new Recording()) {
            for (String name : List.of("Load", "Prefill", "DecodeStep", "Generation")) {
                recording.enable("io.gemma4j." + name).withoutThreshold();
            }
            recording.start();
            try (Gemma4 model = MiniModels.load(MiniModels.DENSE, o -> o.contextTokens(32))) {
                GenerationRequest request = model.prompt("Hello").raw(true).seed(1).sampling(s -> s.logitBias(Map.of(56, 50f)));
                promptTokens = model.tokenizer().encode("Hello").length;
                request.maxTokens(5).generate();
                try (Stream<String> stream = request.maxTokens(2).stream()) {
                    stream.toList(); // closed by its end and once more by the block
                }
                assertThrows(ContextOverflowException.class, () -> model.prompt("\n a".repeat(40)).generate());
            }
            recording.stop();
            recording.dump(file);
        }
        events = RecordingFile.readAllEvents(file).stream().sorted(Comparator.comparing(RecordedEvent::getStartTime)).toList();

        assertEquals(1, named("Load").size());
        RecordedEvent load = named("Load").getFirst();
        assertEquals(MiniModels.DENSE.model().toString(), load.getString("file"));
        assertEquals(Files.size(MiniModels.DENSE.model()), load.getLong("fileBytes"));
        assertEquals("cpu", load.getString("backend"));
        assertEquals(List.of(promptTokens, promptTokens), named("Prefill").stream().map(event -> event.getInt("tokens")).toList());
        assertEquals(IntStream.of(0, 1, 2, 3, 0).map(step -> promptTokens + step).boxed().toList(),
                named("DecodeStep").stream().map(event -> event.getInt("position")).toList());
        assertEquals(List.of(5, 2), named("Generation").stream().map(event -> event.getInt("generatedTokens")).toList());
        for (RecordedEvent generation : named("Generation")) {
            assertEquals(promptTokens, generation.getInt("promptTokens"));
            assertEquals("MAX_TOKENS", generation.getString("finishReason"));
        }
    }
}
