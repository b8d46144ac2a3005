package io.gemma4j.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GenerateCommandTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static CliRun generate(String... more) {
        List<String> args = new ArrayList<>(List.of("generate", "--model", CliRun.DENSE, "--threads", "2"));
        args.addAll(List.of(more));
        CliRun run = CliRun.withInput("Hello Äpfel".getBytes(StandardCharsets.UTF_8), args.toArray(String[]::new));
        assertEquals(0, run.exitCode(), run.err());
        return run;
    }

    private static JsonNode json(String... more) throws Exception {
        List<String> args = new ArrayList<>(List.of(more));
        args.add("--json");
        return JSON.readTree(generate(args.toArray(String[]::new)).out());
    }

    @ParameterizedTest
    @ValueSource(strings = {"scalar", "vector"})
    void greedyTokensAreThoseOfTheReference(String kernels) throws Exception {
        // An empty text is the beginning-of-sequence token alone, which is the first prompt of the golden file.
        JsonNode golden = JSON.readTree(CliRun.FIXTURES.resolve("dense-mini-Q4_K_M.golden.json").toFile()).get("prompts").get(0);
        JsonNode result = json("--raw", "--prompt", "", "--temperature", "0", "--max-tokens", "16", "--kv", "f32", "--cpu", kernels);
        assertEquals(golden.get("greedy"), result.get("tokens"));
    }

    @Test
    void theStreamedTextIsThatOfTheJsonObjectAndALineEnd() throws Exception {
        String[] args = {"--prompt", "Hi", "--seed", "5", "--max-tokens", "40"};
        CliRun streamed = generate(args);
        assertEquals(json(args).get("text").asText() + "\n", streamed.out());
        assertEquals("", streamed.err());
    }

    @Test
    void theJsonObjectTellsEverythingThatIsKnown() throws Exception {
        JsonNode result = json("--prompt", "Hi", "--temperature", "0", "--max-tokens", "5");
        assertEquals(5, result.get("tokens").size());
        assertEquals("MAX_TOKENS", result.get("finishReason").asText());
        assertEquals(5, result.get("usage").get("generatedTokens").asInt());
        assertTrue(result.get("usage").get("promptTokens").asInt() > 3);
        assertFalse(result.has("logprobs"));
        for (String timing : List.of("loadSeconds", "timeToFirstTokenSeconds", "prefillSeconds", "decodeSeconds")) {
            assertTrue(result.get("timings").get(timing).asDouble() > 0, timing);
        }
        assertTrue(result.get("tokensPerSecond").get("prefill").asDouble() > 0);
        assertEquals(4 / result.get("timings").get("decodeSeconds").asDouble(), result.get("tokensPerSecond").get("decode").asDouble(), 1e-6);
    }

    @Test
    void theSameSeedGivesTheSameTokensAndAnotherOneOthers() throws Exception {
        String[] args = {"--raw", "--prompt", "Hi", "--max-tokens", "30", "--temperature", "1", "--seed"};
        List<JsonNode> tokens = new ArrayList<>();
        for (String seed : List.of("1", "1", "2")) {
            List<String> all = new ArrayList<>(List.of(args));
            all.add(seed);
            tokens.add(json(all.toArray(String[]::new)).get("tokens"));
        }
        assertEquals(tokens.get(0), tokens.get(1));
        assertNotEquals(tokens.get(0), tokens.get(2));
    }

    @Test
    void thePromptMayComeFromAnOptionAFileOrStandardInput(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("prompt"), "Hello Äpfel");
        String[] rest = {"--raw", "--temperature", "0", "--max-tokens", "8"};
        List<JsonNode> tokens = new ArrayList<>();
        for (List<String> prompt : List.of(List.of("--prompt", "Hello Äpfel"), List.of("--prompt-file", file.toString()),
                List.of("--prompt", "-"))) {
            List<String> args = new ArrayList<>(prompt);
            args.addAll(List.of(rest));
            JsonNode result = json(args.toArray(String[]::new));
            assertEquals(10, result.get("usage").get("promptTokens").asInt());
            tokens.add(result.get("tokens"));
        }
        assertEquals(1, tokens.stream().distinct().count());
    }

    @Test
    void samplingOptionsReachTheSampler() throws Exception {
        String[] greedy = {"--raw", "--prompt", "Hi", "--temperature", "0", "--max-tokens", "6"};
        assertEquals("[309,309,309,309,309,309]", json(greedy).get("tokens").toString());
        assertEquals("[77,77,77,77,77,77]", with(greedy, "--logit-bias", "77=1000"));
        assertFalse(with(greedy, "--logit-bias", "309=-Infinity").contains("309"));
        for (String penalty : List.of("--repetition-penalty", "--presence-penalty", "--frequency-penalty")) {
            assertNotEquals("[309,309,309,309,309,309]", with(greedy, penalty, "50"), penalty);
        }
        String[] hot = {"--raw", "--prompt", "Hi", "--temperature", "2", "--max-tokens", "6", "--seed", "9"};
        String free = with(hot, "--top-k", "0", "--top-p", "1");
        assertNotEquals("[309,309,309,309,309,309]", free);
        // Each of these leaves only the most likely token, whatever the seed.
        assertEquals("[309,309,309,309,309,309]", with(hot, "--top-k", "1", "--top-p", "1"));
        assertEquals("[309,309,309,309,309,309]", with(hot, "--top-k", "0", "--top-p", "0"));
        assertEquals("[309,309,309,309,309,309]", with(hot, "--top-k", "0", "--top-p", "1", "--min-p", "1"));
        assertNotEquals(free, with(hot, "--top-k", "0", "--top-p", "1", "--typical-p", "0.01"));
    }

    private static String with(String[] args, String... more) throws Exception {
        List<String> all = new ArrayList<>(List.of(args));
        all.addAll(List.of(more));
        return json(all.toArray(String[]::new)).get("tokens").toString();
    }

    @Test
    void anyOfTheStopStringsEndsTheText() throws Exception {
        String[] args = {"--raw", "--prompt", "Hi", "--temperature", "0", "--max-tokens", "4"};
        assertEquals("6666\n", generate(args).out());
        JsonNode stopped = json("--raw", "--prompt", "Hi", "--temperature", "0", "--stop", "nothing", "--stop", "666");
        assertEquals("", stopped.get("text").asText());
        assertEquals("STOP_SEQUENCE", stopped.get("finishReason").asText());
        assertEquals(3, stopped.get("tokens").size());
    }

    @Test
    void logprobsComeMostLikelyFirst() throws Exception {
        String[] args = {"--raw", "--prompt", "Hi", "--temperature", "0", "--max-tokens", "3", "--logprobs", "4", "--cpu", "scalar"};
        JsonNode result = json(args);
        assertEquals(3, result.get("logprobs").size());
        for (int place = 0; place < 3; place++) {
            JsonNode candidates = result.get("logprobs").get(place);
            assertEquals(4, candidates.size());
            assertEquals(result.get("tokens").get(place), candidates.get(0).get("token"));
            assertEquals("6", candidates.get(0).get("text").asText());
            for (int i = 1; i < 4; i++) {
                assertTrue(candidates.get(i).get("logprob").asDouble() <= candidates.get(i - 1).get("logprob").asDouble());
            }
        }
        CliRun text = generate(args);
        assertEquals("666\n", text.out());
        assertEquals(3, text.err().lines().count());
        assertTrue(text.err().startsWith("309 '6' -3.18"), text.err());
    }

    @Test
    void statisticsGoToStandardError() {
        CliRun run = generate("--raw", "--prompt", "Hi", "--temperature", "0", "--max-tokens", "4", "--stats");
        assertEquals("6666\n", run.out());
        for (String line : List.of("backend      cpu, 2 threads", "load         ", "prompt       3 tokens, ", "first token  ", "generated    4 tokens, ",
                "finish       MAX_TOKENS")) {
            assertTrue(run.err().contains(line), () -> line + " in\n" + run.err());
        }
        assertEquals(6, run.err().lines().count());
    }

    @Test
    void aGenerationEndsWhereTheContextIsFull() throws Exception {
        JsonNode result = json("--raw", "--prompt", "Hi", "--temperature", "0", "--context", "12");
        assertEquals("CONTEXT_FULL", result.get("finishReason").asText());
        assertEquals(10, result.get("tokens").size(), "the last token drawn needs no room");
    }
}
