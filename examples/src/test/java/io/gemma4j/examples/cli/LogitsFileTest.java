package io.gemma4j.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.gemma4j.Logits;
import io.gemma4j.SamplingOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogitsFileTest {
    @TempDir
    private Path folder;

    @Test
    void theFileAppearsWhenItIsCommitted() throws Exception {
        Path out = folder.resolve("out");
        try (LogitsFile file = new LogitsFile(out)) {
            file.append(new Logits(new float[] {1, 2, 3}, SamplingOptions.defaults(), new int[0]));
            assertFalse(Files.exists(out));
            file.commit();
        }
        assertEquals(12, Files.size(out));
    }

    @Test
    void nothingRemainsOfAFileThatIsNotCommitted() throws Exception {
        try (LogitsFile file = new LogitsFile(folder.resolve("out"))) {
            file.append(new Logits(new float[10_000], SamplingOptions.defaults(), new int[0]));
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(0, files.count());
        }
    }
}
