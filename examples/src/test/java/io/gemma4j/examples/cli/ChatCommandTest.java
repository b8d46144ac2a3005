package io.gemma4j.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChatCommandTest {
    private static CliRun chat(String input, String... options) {
        String[] args = Stream.concat(Stream.of("chat", "--model", CliRun.DENSE, "--cpu", "scalar", "--threads", "1", "--temperature", "0", "--max-tokens",
                "5", "--context", "256"), Arrays.stream(options)).toArray(String[]::new);
        return CliRun.withInput(input.getBytes(StandardCharsets.UTF_8), args);
    }

    private static List<String> statistics(CliRun run) {
        return run.err().lines().filter(line -> line.startsWith("prompt ")).toList();
    }

    @Test
    void eachLineIsAQuestionAndKeysOfEarlierOnesAreReused() {
        CliRun run = chat("Hello\n\nHow are you?\n", "--stats");
        assertEquals(0, run.exitCode(), run.err());
        List<String> statistics = statistics(run);
        assertEquals(2, statistics.size(), run.err());
        assertTrue(statistics.getFirst().matches("prompt \\d+ tokens, 0 of them cached; .*"), run.err());
        assertTrue(statistics.getLast().matches("prompt \\d+ tokens, [1-9]\\d* of them cached; .*"), run.err());
    }

    @Test
    void clearedConversationStartsAnew() {
        CliRun run = chat("Hello\nAnother one\n/clear\nHello\n", "--stats", "--system", "Be brief.");
        List<String> prompts = statistics(run).stream().map(line -> line.split(" ")[1]).toList();
        assertEquals(prompts.get(0), prompts.get(2), run.err());
        assertFalse(prompts.get(0).equals(prompts.get(1)), run.err());
    }

    @Test
    void exitEndsTheConversation() {
        CliRun run = chat("/exit\nHello\n", "--stats");
        assertEquals(0, run.exitCode());
        assertEquals("", run.out());
        assertEquals(List.of(), statistics(run));
    }

    @Test
    void commandsThatDoNotExistAreNoQuestions() {
        CliRun run = chat("/nonsense\n/help\n");
        assertEquals(0, run.exitCode());
        assertTrue(run.err().contains("/nonsense") && run.out().contains("/clear"), run.err() + run.out());
    }

    @Test
    void questionThatDoesNotFitIsRefusedAndTheConversationGoesOn() {
        CliRun run = chat("word ".repeat(400) + "\nHello\n", "--stats");
        assertEquals(0, run.exitCode(), run.err());
        assertTrue(run.err().contains("context length is 256"), run.err());
        assertEquals(1, statistics(run).size(), run.err());
    }

    @ParameterizedTest
    @ValueSource(strings = {"maybe", "-1", "1.5"})
    void thinkingThatIsNoChoiceIsAUsageError(String value) {
        CliRun run = chat("", "--thinking", value);
        assertEquals(2, run.exitCode());
        assertTrue(run.err().contains("--thinking") && run.err().contains("off, on or a number"), run.err());
    }
}
