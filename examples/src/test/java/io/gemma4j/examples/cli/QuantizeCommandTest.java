package io.gemma4j.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuantizeCommandTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({"q8_0, Q8_0", "q4_0, Q4_0", "Q4_K_M, Q4_K", "f16, F16"})
    void theFileHasTheTypeAndRuns(String type, String expected) throws Exception {
        String out = folder.resolve("out.gguf").toString();
        CliRun run = CliRun.of("quantize", CliRun.DENSE, out, "--type", type, "--threads", "2");
        assertEquals(0, run.exitCode(), run.err());
        assertTrue(run.out().startsWith(out + ": ") && run.out().contains(" " + expected), run.out());
        assertEquals(1, run.out().lines().count());
        CliRun info = CliRun.of("info", "--model", out, "--json");
        assertEquals(0, info.exitCode(), info.err());
        JsonNode types = new ObjectMapper().readTree(info.out()).get("tensorTypes");
        assertTrue(types.get(expected).asInt() > 5, types.toString());
        CliRun generated = CliRun.of("generate", "--model", out, "--raw", "--prompt", "Hi", "--max-tokens", "3", "--temperature", "0");
        assertEquals(0, generated.exitCode(), generated.err());
    }

    @Test
    void progressIsDrawnOnTerminals() {
        CliRun run = CliRun.onTerminal("quantize", CliRun.DENSE, folder.resolve("out.gguf").toString(), "--type", "q8_0");
        assertEquals(0, run.exitCode(), run.err());
        assertTrue(run.err().contains("quantizing"), run.err());
    }

    @Test
    void wrongArgumentsAndFilesAreOneLine() {
        CliRun noType = CliRun.of("quantize", CliRun.DENSE, "out.gguf");
        assertEquals(Gemma4Cli.USAGE, noType.exitCode());
        assertTrue(noType.err().contains("--type"), noType.err());
        CliRun unknown = CliRun.of("quantize", CliRun.DENSE, "out.gguf", "--type", "q3_k");
        assertEquals(Gemma4Cli.USAGE, unknown.exitCode());
        assertTrue(unknown.err().contains("Q4_K_M") && unknown.err().contains("q3_k"), unknown.err());
        CliRun threads = CliRun.of("quantize", CliRun.DENSE, "out.gguf", "--type", "q8_0", "--threads", "0");
        assertEquals(Gemma4Cli.USAGE, threads.exitCode());
        assertTrue(threads.err().contains("--threads"), threads.err());
        CliRun missing = CliRun.of("quantize", "no-such.gguf", folder.resolve("out.gguf").toString(), "--type", "q8_0");
        assertEquals(Gemma4Cli.FAILED, missing.exitCode());
        assertEquals("gemma4: no-such.gguf: there is no such file", missing.err().strip());
        CliRun same = CliRun.of("quantize", CliRun.DENSE, CliRun.DENSE, "--type", "q8_0");
        assertEquals(Gemma4Cli.FAILED, same.exitCode());
        assertTrue(same.err().contains("another file than the input"), same.err());
        assertFalse(Files.exists(Path.of("out.gguf")));
    }
}
