package io.gemma4j.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.examples.EmbeddedModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Gemma4CliTest {

    @Test
    void noArgumentsPrintTheUsage() {
        CliRun run = CliRun.of();
        assertEquals(0, run.exitCode());
        assertTrue(run.out().startsWith("Usage: gemma4 "), run.out());
        assertEquals(run.out(), CliRun.of("help").out());
        assertEquals("", run.err());
    }

    @ParameterizedTest
    @ValueSource(strings = {"info", "tokenize", "generate", "serve", "logits"})
    void everyCommandIsListedAndExplained(String command) {
        assertTrue(CliRun.of("--help").out().contains("\n  " + command));
        CliRun help = CliRun.of("help", command);
        assertEquals(0, help.exitCode());
        assertTrue(help.out().startsWith("Usage: gemma4 " + command), help.out());
        assertTrue(help.out().contains("--model"), help.out());
        assertEquals(help.out(), CliRun.of(command, "--help").out());
    }

    @Test
    void quantizeIsListedAndExplained() {
        assertTrue(CliRun.of("--help").out().contains("\n  quantize"));
        CliRun help = CliRun.of("help", "quantize");
        assertTrue(help.out().startsWith("Usage: gemma4 quantize") && help.out().contains("q8_0, q4_0, f16"), help.out());
    }

    @ParameterizedTest
    @ValueSource(strings = {"synth", "run", "peers", "plot"})
    void everyToolOfBenchIsListedAndExplained(String tool) {
        assertTrue(CliRun.of("bench", "--help").out().contains("\n  " + tool));
        CliRun help = CliRun.of("bench", tool, "--help");
        assertEquals(0, help.exitCode(), help.err());
        assertTrue(help.out().startsWith("Usage: gemma4 bench " + tool), help.out());
        assertEquals("", help.err());
    }

    @Test
    void failuresOfBenchAreOneLine() {
        CliRun missing = CliRun.of("bench", "run", "--model", "no-such.gguf");
        assertEquals(Gemma4Cli.FAILED, missing.exitCode());
        assertEquals("gemma4: no-such.gguf: there is no such file", missing.err().strip());
        CliRun wrong = CliRun.of("bench", "run", "--model", CliRun.DENSE, "-r", "0");
        assertEquals(Gemma4Cli.USAGE, wrong.exitCode());
        assertTrue(wrong.err().startsWith("gemma4: -r: expected at least 1, found 0"), wrong.err());
    }

    @Test
    void benchWithoutAToolPrintsItsUsage() {
        CliRun run = CliRun.of("bench");
        assertEquals(Gemma4Cli.USAGE, run.exitCode());
        assertTrue(run.err().contains("Missing required subcommand"), run.err());
    }

    @Test
    void theVersionIsThatOfTheBuild() {
        CliRun run = CliRun.of("--version");
        assertEquals(0, run.exitCode());
        assertTrue(run.out().matches("gemma4 \\d+\\.\\d+\\.\\d+\\S*, Java \\d.*\\R"), run.out());
    }

    @Test
    void withoutAModelTheEmbeddedOneIsUsedAndTheUserIsToldOnce() throws Exception {
        CliRun embedded = CliRun.of("tokenize", "--text", "Hello");
        CliRun named = CliRun.of("tokenize", "--model", EmbeddedModel.file().toString(), "--text", "Hello");
        assertEquals(0, embedded.exitCode());
        assertEquals("gemma4: " + EmbeddedModel.NOTE, embedded.err().strip());
        assertEquals("", named.err());
        assertEquals(named.out(), embedded.out());
    }

    @Test
    void theProgressBarIsDrawnOnTerminalsOnlyAndErased() {
        String[] args = {"generate", "--model", CliRun.DENSE, "--raw", "--prompt", "one two three four", "--chunk", "3", "--max-tokens", "2",
                "--temperature", "0"};
        CliRun terminal = CliRun.onTerminal(args);
        assertTrue(terminal.err().contains("loading the model"), terminal.err());
        assertTrue(terminal.err().contains("reading the prompt"), terminal.err());
        assertEquals("", shownAtTheEnd(terminal.err()).strip());
        CliRun pipe = CliRun.of(args);
        assertEquals("", pipe.err());
        assertEquals(pipe.out(), terminal.out());
    }

    @Test
    void theProgressBarIsErasedBeforeAFailureIsReported() {
        CliRun run = CliRun.onTerminal("generate", "--model", CliRun.DENSE, "--raw", "--prompt", "one two three", "--context", "2");
        assertEquals(1, run.exitCode());
        String[] lines = shownAtTheEnd(run.err()).split("\n");
        assertEquals(1, lines.length, run.err());
        assertTrue(lines[0].startsWith("gemma4: "), lines[0]);
    }

    /** What a terminal shows: a carriage return goes back to the start of the line, and what follows overwrites it. */
    private static String shownAtTheEnd(String printed) {
        StringBuilder shown = new StringBuilder();
        for (String line : printed.split("\n", -1)) {
            StringBuilder cells = new StringBuilder();
            for (String part : line.split("\r")) {
                cells.replace(0, Math.min(part.length(), cells.length()), part);
            }
            shown.append(shown.isEmpty() ? "" : "\n").append(cells.toString().stripTrailing());
        }
        return shown.toString();
    }
}
