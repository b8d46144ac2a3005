package io.gemma4j.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.gguf.GgufWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FailuresTest {
    @TempDir
    private Path folder;

    private static void assertFails(int exitCode, CliRun run, String... parts) {
        assertEquals(exitCode, run.exitCode(), run.err());
        assertEquals("", run.out());
        assertTrue(run.err().startsWith("gemma4: "), run.err());
        assertTrue(Arrays.stream(parts).allMatch(run.err()::contains), run.err());
        assertFalse(run.err().contains("\tat "), run.err());
        assertEquals(1, run.err().lines().filter(line -> !line.matches("(Try|Possible solutions|Did you mean).*")).count(), run.err());
    }

    @ParameterizedTest
    @ValueSource(strings = {"info", "generate", "tokenize"})
    void everyCommandRefusesWhatIsNoModelInOneLine(String command) throws Exception {
        byte[] model = Files.readAllBytes(Path.of(CliRun.DENSE));
        Path truncated = Files.write(folder.resolve("truncated.gguf"), Arrays.copyOf(model, model.length - 1000));
        Path foreign = Files.write(folder.resolve("foreign.gguf"), "%PDF-1.7 and so on, long enough for a header".getBytes(StandardCharsets.UTF_8));
        assertFails(1, run(command, folder.resolve("missing.gguf")), "missing.gguf", "no such file");
        assertFails(1, run(command, folder), folder.toString(), "is a directory");
        assertFails(1, run(command, truncated), "truncated.gguf", "tensor", "expected", "found");
        assertFails(1, run(command, foreign), "foreign.gguf", "GGUF");
    }

    private static CliRun run(String command, Path model) {
        return switch (command) {
            case "info" -> CliRun.of(command, "--model", model.toString());
            case "generate" -> CliRun.of(command, "--model", model.toString(), "--prompt", "Hi");
            default -> CliRun.of(command, "--model", model.toString(), "--text", "Hi");
        };
    }

    @Test
    void anotherArchitectureIsNamed() throws Exception {
        Path llama = folder.resolve("llama.gguf");
        new GgufWriter().put("general.architecture", "llama").write(llama);
        assertFails(1, run("info", llama), "llama.gguf", "general.architecture", "'gemma4'", "'llama'");
    }

    @Test
    void aMissingBackendIsNamedWithTheReason() {
        // One that this system cannot have.
        String missing = System.getProperty("os.name").startsWith("Mac") ? "cuda" : "metal";
        assertFails(1, CliRun.of("generate", "--model", CliRun.DENSE, "--prompt", "Hi", "--backend", missing), "backend " + missing + " is not available");
    }

    @Test
    void aPromptThatDoesNotFitTheContextIsRefused() {
        assertFails(1, CliRun.of("generate", "--model", CliRun.DENSE, "--prompt", "Hi", "--context", "5"), "5", "--context");
        assertFails(1, CliRun.of("generate", "--model", CliRun.DENSE, "--prompt", "Hi", "--context", "4097"), "option --context", "4096", "4097");
    }

    @Test
    void textThatIsNotUtf8IsRefused() throws Exception {
        byte[] latin1 = "Äpfel".getBytes(StandardCharsets.ISO_8859_1);
        Path file = Files.write(folder.resolve("latin1.txt"), latin1);
        assertFails(1, CliRun.of("generate", "--model", CliRun.DENSE, "--prompt-file", file.toString()), "latin1.txt", "not UTF-8");
        assertFails(1, CliRun.of("tokenize", "--model", CliRun.DENSE, "--text-file", file.toString()), "latin1.txt", "not UTF-8");
        assertFails(1, CliRun.withInput(latin1, "generate", "--model", CliRun.DENSE, "--prompt", "-"), "standard input", "not UTF-8");
        assertFails(1, CliRun.of("tokenize", "--model", CliRun.DENSE, "--text-file", folder.toString()), "is a directory");
    }

    @ParameterizedTest
    @ValueSource(strings = {"frobnicate", "generate", "generate --prompt a --prompt-file b", "generate --prompt a --temperature -1",
            "generate --prompt a --temperature hot", "generate --prompt a --top-p 1.5", "generate --prompt a --top-k -1",
            "generate --prompt a --min-p NaN", "generate --prompt a --logit-bias a=1", "generate --prompt a --logit-bias 5=NaN",
            "generate --prompt a --max-tokens 0", "generate --prompt a --logprobs -1", "generate --prompt a --stop=", "generate --prompt a --chunk -1",
            "generate --prompt a --threads -1", "generate --prompt a --context -1", "generate --prompt a --backend tpu", "generate --prompt a --cpu x",
            "generate --prompt a --kv q4", "generate --prompt a --colour", "tokenize", "tokenize --text a --text-file b", "logits --ids-file a",
            "logits --out a", "info more", "info --chunk 9999"})
    void wrongArgumentsAreUsageErrorsAndPointToTheHelp(String line) {
        CliRun run = CliRun.of(line.split(" "));
        assertFails(2, run);
        assertTrue(run.err().contains("Try 'gemma4"), run.err());
        Arrays.stream(line.split(" ")).filter(word -> word.startsWith("--")).reduce((first, last) -> last)
                .filter(option -> line.startsWith("generate --prompt a --"))
                .ifPresent(option -> assertTrue(run.err().contains(option.replace("=", "")), run.err()));
    }

    @Test
    void aSimilarOptionIsSuggested() {
        CliRun run = CliRun.of("generate", "--promt", "Hi");
        assertTrue(run.err().contains("Possible solutions: --prompt"), run.err());
    }

    @Test
    void anExhaustedHeapIsExplained() {
        assertEquals("1 gemma4: out of memory (Java heap space): let Java have more, for example GEMMA4J_OPTS=-Xmx8g, "
                + "or where a prompt is read, use a smaller --context or --chunk\n", reported(new OutOfMemoryError("Java heap space"), false));
    }

    @Test
    void aBugIsCalledOneAndItsStackTraceIsPrintedOnDemand() {
        assertEquals("1 gemma4: internal error: java.lang.IllegalStateException: two lines (--verbose shows where)\n",
                reported(new IllegalStateException("two\nlines"), false));
        assertTrue(reported(new IllegalStateException("wrong"), true).contains("at " + FailuresTest.class.getName()));
    }

    @Test
    void anInterruptionNeedsNoWords() {
        assertEquals("130 ", reported(new CancellationException("stopped"), false));
        assertEquals("130 ", reported(new ClosedByInterruptException(), false));
    }

    private static String reported(Throwable failure, boolean stackTraces) {
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int exitCode = new Failures(new PrintStream(err, true, StandardCharsets.UTF_8), stackTraces).report(failure);
        return exitCode + " " + err.toString(StandardCharsets.UTF_8).replace("\r", "");
    }

    @Test
    void aReaderThatHasSeenEnoughEndsTheProgramQuietly() {
        assertEquals("0 ", generateInto("Broken pipe"));
    }

    @Test
    void anOutputThatIsFullIsAFailure() {
        assertEquals("1 gemma4: standard output: No space left on device", generateInto("No space left on device"));
    }

    /** Generates until the context is full, unless the output, which takes one write, ends it. */
    private static String generateInto(String failure) {
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        OutputStream out = new OutputStream() {
            private int writes;

            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
                if (++writes > 1) {
                    throw new IOException(failure);
                }
            }

            @Override
            public void write(int value) throws IOException {
                write(new byte[] {(byte) value}, 0, 1);
            }
        };
        StandardStreams streams = new StandardStreams(InputStream.nullInputStream(), out, new PrintStream(err, true, StandardCharsets.UTF_8), false);
        int exitCode = Gemma4Cli.run(streams, "generate", "--model", CliRun.DENSE, "--raw", "--prompt", "Hi", "--temperature", "0", "--max-tokens", "9");
        return exitCode + " " + err.toString(StandardCharsets.UTF_8).strip();
    }
}
