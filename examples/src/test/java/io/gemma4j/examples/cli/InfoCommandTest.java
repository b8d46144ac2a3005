package io.gemma4j.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class InfoCommandTest {

    @Test
    void theTableNamesEveryFact() {
        CliRun run = CliRun.of("info", "--model", CliRun.DENSE, "--context", "1000");
        assertEquals(0, run.exitCode(), run.err());
        assertEquals("", run.err());
        for (String fact : new String[] {"name          gemma-4 fixture dense", "architecture  gemma4", "layers        3",
                "context       1,000 tokens, of 4,096", "vocabulary    1,024 tokens", "backend       cpu", "memory        ", "sampling      temperature "}) {
            assertTrue(run.out().contains(fact), () -> fact + " in\n" + run.out());
        }
    }

    @Test
    void theJsonObjectHoldsTheFactsOfTheFile() throws Exception {
        CliRun run = CliRun.of("info", "--model", CliRun.DENSE, "--json", "--backend", "cpu", "--threads", "2", "--cpu", "scalar");
        assertEquals(0, run.exitCode(), run.err());
        JsonNode info = new ObjectMapper().readTree(run.out());
        assertEquals("gemma4", info.get("architecture").asText());
        assertEquals(Files.size(Path.of(CliRun.DENSE)), info.get("fileBytes").asLong());
        assertEquals(1024, info.get("vocabulary").asInt());
        assertEquals(4096, info.get("contextTokens").asInt());
        assertTrue(info.get("backend").asText().matches("cpu, 2 threads, scalar kernels"), info.get("backend").asText());
        JsonNode memory = info.get("memory");
        assertEquals(memory.get("totalBytes").asLong(),
                memory.get("weightsBytes").asLong() + memory.get("activationBytes").asLong() + memory.get("kvBytesPerSession").asLong());
        int tensors = 0;
        for (JsonNode count : info.get("tensorTypes")) {
            tensors += count.asInt();
        }
        assertEquals(44, tensors);
    }

    @Test
    void theContextFitsTheMemoryOnDemand() {
        CliRun run = CliRun.of("info", "--model", CliRun.DENSE, "--context", "fit", "--backend", "cpu");
        assertEquals(0, run.exitCode(), run.err());
        assertTrue(run.out().contains("context       4,096 tokens, of 4,096"), run.out());
        CliRun wrong = CliRun.of("info", "--model", CliRun.DENSE, "--context", "large");
        assertEquals(2, wrong.exitCode());
        assertTrue(wrong.err().contains("--context") && wrong.err().contains("must be fit or a number of tokens, was large"), wrong.err());
        CliRun negative = CliRun.of("info", "--model", CliRun.DENSE, "--context", Integer.toString(Integer.MIN_VALUE));
        assertEquals(2, negative.exitCode());
        assertTrue(negative.err().contains("contextTokens must be at least 0"), negative.err());
    }

    @Test
    void aLargerCacheTypeTakesMoreMemory() throws Exception {
        assertTrue(kvBytes("f32") > 1.9 * kvBytes("f16"));
        assertTrue(kvBytes("f16") > kvBytes("q8_0"));
        assertTrue(kvBytes("q8_0") > kvBytes("tq4"));
    }

    private static long kvBytes(String type) throws Exception {
        CliRun run = CliRun.of("info", "--model", CliRun.DENSE, "--json", "--kv", type, "--chunk", "64");
        return new ObjectMapper().readTree(run.out()).get("memory").get("kvBytesPerSession").asLong();
    }
}
