package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.chat.PromptRenderer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class GenerationTest {
    private static Gemma4 model;

    @BeforeAll
    static void load() throws Exception {
        model = MiniModels.load(MiniModels.DENSE, o -> o.threads(1));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static GenerationRequest request() {
        return model.prompt("Hello, world").raw(true).seed(3).maxTokens(32).logitBias(noEnd());
    }

    /** Bans the tokens that end a generation. */
    static Map<Integer, Float> noEnd() {
        Map<Integer, Float> bans = new HashMap<>();
        IntStream.of(model.tokenizer().endOfGenerationTokens()).forEach(end -> bans.put(end, Float.NEGATIVE_INFINITY));
        return bans;
    }

    private static int[] ints(List<Integer> tokens) {
        return tokens.stream().mapToInt(Integer::intValue).toArray();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void everyWayOfRunningGivesTheSameText(boolean raw) throws Exception {
        GenerationRequest request = request().raw(raw);
        Generation generation = request.generate();
        assertFalse(generation.text().isEmpty());
        assertEquals(model.tokenizer().decode(ints(generation.tokens())), generation.text());

        List<String> pieces = new ArrayList<>();
        Generation streamed = request.stream(piece -> pieces.add(piece));
        assertEquals(generation.text(), streamed.text());
        assertEquals(generation.tokens(), streamed.tokens());
        assertEquals(generation.text(), String.join("", pieces));
        assertTrue(pieces.size() > 10, "text comes piece by piece");
        assertFalse(pieces.contains(""), "no piece is empty");
        try (Stream<String> stream = request.stream()) {
            assertEquals(pieces, stream.toList());
        }
        RecordingSubscriber subscriber = new RecordingSubscriber(Long.MAX_VALUE);
        request.publisher().subscribe(subscriber);
        assertTrue(subscriber.ended.await(60, TimeUnit.SECONDS));
        assertEquals(pieces, subscriber.pieces);
    }

    @Test
    void generateTakesTheDefaultsOfTheModel() {
        Generation expected = model.prompt("Hi").sampling(s -> model.samplingDefaults().seed(1)).maxTokens(9).generate();
        assertEquals(expected.text(), model.prompt("Hi").seed(1).maxTokens(9).generate().text());
        assertFalse(model.generate("Hi").isEmpty());
    }

    @Test
    void stopStringsEndTheTextWhereverTokensBegin() {
        Generation whole = request().generate();
        Random random = new Random(17);
        for (int i = 0; i < 10; i++) {
            int length = 1 + random.nextInt(9);
            int from = random.nextInt(whole.text().length() - length);
            String stop = whole.text().substring(from, from + length);
            StringBuilder streamed = new StringBuilder();
            Generation stopped = request().stop("\0never", stop).stream(streamed::append);
            assertEquals(whole.text().substring(0, whole.text().indexOf(stop)), stopped.text(), () -> "stop '" + stop + "'");
            assertEquals(stopped.text(), streamed.toString());
            assertEquals(FinishReason.STOP_SEQUENCE, stopped.finishReason());
            assertEquals(whole.tokens().subList(0, stopped.tokens().size()), stopped.tokens());
        }
    }

    @Test
    void textHeldBackForAStopStringComesOutInTheEnd() {
        Generation whole = request().generate();
        String end = whole.text().substring(whole.text().length() - 6);
        Generation again = request().stop(end + "\0", whole.text().substring(3, 9) + "\0").generate();
        assertEquals(whole.text(), again.text());
        assertEquals(FinishReason.MAX_TOKENS, again.finishReason());
    }

    @Test
    void stopTokenEndsTheGenerationAndIsNotPartOfTheText() {
        List<Integer> tokens = request().generate().tokens();
        for (int at : new int[] {0, 11, tokens.size() - 1}) {
            int first = tokens.indexOf(tokens.get(at));
            Generation stopped = request().stopTokens(tokens.get(at)).generate();
            assertEquals(tokens.subList(0, first + 1), stopped.tokens());
            assertEquals(model.tokenizer().decode(ints(tokens.subList(0, first))), stopped.text());
            assertEquals(FinishReason.STOP_SEQUENCE, stopped.finishReason());
        }
    }

    @Test
    void everyEndTokenStops() {
        for (int end : model.tokenizer().endOfGenerationTokens()) {
            for (boolean raw : new boolean[] {true, false}) {
                Generation generation = model.prompt("Hello").raw(raw).logitBias(Map.of(end, 1000f)).generate();
                assertEquals(FinishReason.STOP, generation.finishReason());
                assertEquals(List.of(end), generation.tokens());
                assertEquals("", generation.text());
            }
        }
    }

    @Test
    void maxTokensIsExact() {
        List<Integer> tokens = request().generate().tokens();
        assertEquals(32, tokens.size());
        for (int max : new int[] {1, 2, 17, 31}) {
            Generation generation = request().maxTokens(max).generate();
            assertEquals(tokens.subList(0, max), generation.tokens());
            assertEquals(FinishReason.MAX_TOKENS, generation.finishReason());
            assertEquals(model.tokenizer().decode(ints(generation.tokens())), generation.text());
        }
    }

    @Test
    void fullContextEndsTheGeneration() throws Exception {
        try (Gemma4 small = MiniModels.load(MiniModels.DENSE, o -> o.contextTokens(32))) {
            for (int prompt : new int[] {20, 31, 32}) {
                Generation generation = small.prompt("\n a".repeat(40).substring(0, textOf(prompt))).raw(true).logitBias(noEnd()).seed(1).generate();
                assertEquals(prompt, generation.usage().promptTokens());
                assertEquals(FinishReason.CONTEXT_FULL, generation.finishReason());
                assertEquals(32 - prompt + 1, generation.tokens().size());
            }
        }
    }

    /** Characters of {@code "\n a"} repeated that make so many tokens. */
    private static int textOf(int tokens) {
        return IntStream.range(0, 120).filter(length -> model.tokenizer().encode("\n a".repeat(40).substring(0, length)).length == tokens)
                .findFirst().orElseThrow();
    }

    @Test
    void promptThatDoesNotFitIsRefusedBeforeAnyWork() throws Exception {
        ObservedBackend backend = new ObservedBackend();
        try (Gemma4 small = backend.load(MiniModels.DENSE, MiniModels.options().contextTokens(32))) {
            GenerationRequest request = small.prompt("\n a".repeat(40)).raw(true);
            int tokens = small.tokenizer().encode("\n a".repeat(40)).length;
            for (ContextOverflowException e : List.of(assertThrows(ContextOverflowException.class, request::generate),
                    assertThrows(ContextOverflowException.class, request::stream))) {
                assertEquals(List.of(tokens, 0, 32), List.of(e.promptTokens(), e.usedTokens(), e.contextTokens()));
                assertTrue(e.getMessage().contains("contextTokens") && e.getMessage().contains(Integer.toString(tokens)), e.getMessage());
            }
            assertTrue(backend.caches.isEmpty(), "no session was opened");
            assertEquals(0, backend.attentionBlocks.get());
        }
    }

    @Test
    void usageAndTimingsAreThoseOfTheGeneration() {
        Generation generation = request().raw(false).generate();
        assertEquals(new TokenUsage(PromptRenderer.userTurn(model.tokenizer(), "Hello, world").length, 0, 32), generation.usage());
        Timings timings = generation.timings();
        assertTrue(timings.load().isPositive() && timings.prefill().isPositive() && timings.decode().isPositive(), timings.toString());
        assertTrue(timings.timeToFirstToken().compareTo(timings.prefill()) >= 0, timings.toString());
        assertEquals(generation.usage().promptTokens() * 1e9 / timings.prefill().toNanos(), generation.prefillTokensPerSecond(), 1e-6);
        assertEquals(31 * 1e9 / timings.decode().toNanos(), generation.decodeTokensPerSecond(), 1e-6);
        Generation one = request().maxTokens(1).generate();
        assertTrue(one.timings().decode().isZero());
        assertEquals(0, one.decodeTokensPerSecond());
    }

    @Test
    void logprobsStandBesideEveryToken() {
        for (int n : new int[] {1, 5, 1024, 5000}) {
            Generation generation = request().temperature(0).logprobs(n).maxTokens(9).generate();
            assertEquals(9, generation.logprobs().size());
            for (int i = 0; i < 9; i++) {
                TokenScore score = generation.logprobs().get(i);
                assertEquals(generation.tokens().get(i), score.token());
                List<TokenLogprob> top = score.top();
                assertEquals(top.getFirst().logprob(), score.logprob());
                assertEquals(Math.min(n, 1024), top.size());
                assertEquals(generation.tokens().get(i), top.getFirst().token());
                double sum = top.stream().mapToDouble(t -> Math.exp(t.logprob())).sum();
                assertTrue(n < 1024 ? sum < 1 : Math.abs(sum - 1) < 1e-4, "sum of probabilities " + sum);
                for (int j = 1; j < top.size(); j++) {
                    assertTrue(top.get(j).logprob() <= top.get(j - 1).logprob());
                }
            }
        }
        assertTrue(request().generate().logprobs().isEmpty());
    }

    @Test
    void biasBansTokens() {
        Map<Integer, Float> bans = noEnd();
        for (int round = 0; round < 5; round++) {
            List<Integer> tokens = request().temperature(0).logitBias(bans).maxTokens(16).generate().tokens();
            assertTrue(tokens.stream().noneMatch(bans::containsKey), () -> bans.keySet() + " in " + tokens);
            tokens.forEach(token -> bans.put(token, Float.NEGATIVE_INFINITY));
        }
        Map<Integer, Float> all = new HashMap<>();
        IntStream.range(0, 1024).forEach(token -> all.put(token, Float.NEGATIVE_INFINITY));
        assertThrows(Gemma4Exception.class, request().logitBias(all)::generate);
        assertThrows(IllegalArgumentException.class, request().logitBias(Map.of(1024, 1f))::generate);
    }

    @Test
    void seedGivesTheSameTokensForEveryStepSize() throws Exception {
        String prompt = "Words go on, further than the window reaches.";
        for (Fixture fixture : List.of(MiniModels.DENSE, MiniModels.ELASTIC, MiniModels.MOE)) {
            HashSet<List<Integer>> results = new HashSet<>();
            for (int stepTokens : new int[] {1, 7, 64}) {
                try (Gemma4 chunked = MiniModels.load(fixture, o -> o.kvType(KvType.F32).prefillTokens(stepTokens))) {
                    results.add(chunked.prompt(prompt).seed(11).maxTokens(12).generate().tokens());
                }
            }
            assertEquals(1, results.size(), results.toString());
        }
    }

    @Test
    void otherSeedsAndNoSeedGiveOtherTokens() {
        GenerationRequest unseeded = model.prompt("Hello, world").raw(true).maxTokens(32).logitBias(noEnd()).topK(0).topP(1);
        assertNotEquals(unseeded.generate().tokens(), unseeded.generate().tokens());
        assertNotEquals(request().topK(0).seed(1).generate().tokens(), request().topK(0).seed(2).generate().tokens());
    }

    @Test
    void optionsAreCheckedByName() {
        GenerationRequest request = request();
        assertMessage("maxTokens must be at least 1, was 0", () -> request.maxTokens(0));
        assertMessage("logprobs must be at least 0, was -1", () -> request.logprobs(-1));
        assertMessage("stop must not hold an empty string", () -> request.stop("a", ""));
        assertMessage("stopTokens must be from 0 to 1023, was 1024", () -> request.stopTokens(3, 1024));
        assertMessage("stopTokens must be from 0 to 1023, was -1", () -> request.stopTokens(-1));
        assertMessage("temperature must be a finite number of at least 0, was -1.0", () -> request.temperature(-1));
        assertThrows(NullPointerException.class, () -> model.prompt(null));
        assertThrows(NullPointerException.class, () -> request.progress(null));
        assertThrows(NullPointerException.class, () -> request.cancellation(null));
        assertThrows(NullPointerException.class, () -> request.sampling(s -> null));
    }

    private static void assertMessage(String expected, Runnable call) {
        assertEquals(expected, assertThrows(IllegalArgumentException.class, call::run).getMessage());
    }

    @Test
    void whatAConsumerThrowsEndsTheGenerationAndIsThrown() throws Exception {
        ObservedBackend backend = new ObservedBackend();
        try (Gemma4 observed = backend.load(MiniModels.DENSE, MiniModels.options())) {
            RuntimeException mine = new RuntimeException("mine");
            assertEquals(mine, assertThrows(RuntimeException.class, () -> observed.prompt("a").raw(true).seed(3).stream(piece -> {
                throw mine;
            })));
            assertFalse(observed.prompt("a").raw(true).seed(3).maxTokens(5).generate().tokens().isEmpty());
        }
    }
}
