package io.gemma4j.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Gemma4Exception;
import io.gemma4j.SamplingOptions;
import io.gemma4j.TokenLogprob;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SamplerTest {
    private static final float INF = Float.POSITIVE_INFINITY;
    private static final SamplingOptions GREEDY = SamplingOptions.greedy();
    private static final SamplingOptions PLAIN = SamplingOptions.greedy().temperature(1).seed(5);

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 1000, 262144})
    void greedyTakesTheHighestLogitAndOfEqualsTheLowestId(int size) {
        float[] logits = TestLogits.tied(size, size);
        float best = logits[0];
        int expected = 0;
        for (int t = 1; t < size; t++) {
            if (logits[t] > best) {
                best = logits[t];
                expected = t;
            }
        }
        assertEquals(expected, new Sampler(GREEDY, size).sample(logits));
    }

    @Test
    void logitsAreNotModified() {
        float[] logits = TestLogits.peaked(1000, 1);
        float[] before = logits.clone();
        Sampler sampler = new Sampler(PLAIN.repetitionPenalty(2).logitBias(Map.of(3, 4f)).topK(50).topP(0.5f), 1000);
        sampler.accept(3);
        sampler.sample(logits);
        sampler.topLogprobs(logits, 5);
        assertArrayEquals(before, logits);
    }

    @Test
    void bannedTokensAreNeverDrawn() {
        Map<Integer, Float> bans = new HashMap<>();
        for (int t = 0; t < 20; t += 2) {
            bans.put(t, -INF);
        }
        assertEquals(new TreeSet<>(List.of(1, 3, 5, 7, 9, 11, 13, 15, 17, 19)), drawn(PLAIN.logitBias(bans), new float[20], 2000));
    }

    @Test
    void aBanHoldsEvenForAnInfiniteLogit() {
        assertEquals(1, new Sampler(GREEDY.logitBias(Map.of(0, -INF)), 2).sample(new float[] {INF, 1}));
    }

    @Test
    void biasIsAddedBeforeThePenalties() {
        // (1 + 3) / 2 = 2 loses to 2.5; the other order would give 1 / 2 + 3 = 3.5, which wins.
        float[] logits = {1, 2.5f};
        Sampler sampler = new Sampler(GREEDY.logitBias(Map.of(0, 3f)).repetitionPenalty(2), 2);
        sampler.accept(0);
        assertEquals(1, sampler.sample(logits));
    }

    @Test
    void penaltiesComeBeforeGreedyAndBeforeTopK() {
        float[] logits = {3, 2, 1};
        for (SamplingOptions options : List.of(GREEDY, PLAIN.topK(1))) {
            Sampler sampler = new Sampler(options.presencePenalty(1.5f), 3);
            sampler.accept(0);
            assertEquals(1, sampler.sample(logits));
        }
    }

    @Test
    void topPCountsTheProbabilityOfWhatTopKLeft() {
        // Of {.4, .3, .3} top-k leaves {.4, .3} = {.57, .43}: one token reaches one half. Without top-k it takes two.
        float[] logits = logs(0.4, 0.3, 0.3);
        assertEquals(new TreeSet<>(List.of(0)), drawn(PLAIN.topK(2).topP(0.5f), logits, 300));
        assertEquals(new TreeSet<>(List.of(0, 1)), drawn(PLAIN.topP(0.5f), logits, 300));
    }

    @Test
    void typicalPComesBeforeTopP() {
        // Typical-p drops token 0, so top-p chooses among the rest; the other way round only token 0 would be left.
        double[] p = new double[61];
        Arrays.fill(p, 0.01);
        p[0] = 0.4;
        assertEquals(new TreeSet<>(List.of(1, 2, 3)), drawn(PLAIN.typicalP(0.3f).topP(0.09f), logs(p), 500));
    }

    @Test
    void minPIsRelativeToTheBestTokenThatTypicalPLeft() {
        double[] p = new double[61];
        Arrays.fill(p, 0.01);
        p[0] = 0.4;
        assertEquals(30, drawn(PLAIN.typicalP(0.295f).minP(0.9f), logs(p), 2000).size());
    }

    @Test
    void topPComesBeforeMinP() {
        // Both keep tokens 0 and 1 of the whole; after min-p those would be {.625, .375}, of which top-p keeps only the first.
        assertEquals(new TreeSet<>(List.of(0, 1)), drawn(PLAIN.topP(0.6f).minP(0.3f), logs(0.5, 0.3, 0.1, 0.1), 300));
    }

    @Test
    void temperatureDoesNotChangeWhichTokensSurvive() {
        float[] logits = logs(0.5, 0.3, 0.1, 0.06, 0.04);
        assertEquals(new TreeSet<>(List.of(0, 1)), drawn(PLAIN.temperature(100).topP(0.7f), logits, 500));
        assertEquals(new TreeSet<>(List.of(0, 1, 2)), drawn(PLAIN.temperature(100).minP(0.15f), logits, 500));
    }

    @Test
    void aTinyTemperatureIsGreedyAndAHugeOneIsUniform() {
        float[] logits = TestLogits.peaked(500, 4);
        int best = new Sampler(GREEDY, 500).sample(logits);
        assertEquals(new TreeSet<>(List.of(best)), drawn(PLAIN.temperature(Float.MIN_VALUE), logits, 100));
        assertEquals(5, drawn(PLAIN.temperature(Float.MAX_VALUE), new float[] {-30, 30, 0, 1, 2}, 300).size());
    }

    @Test
    void everyStageAtItsStrictestLeavesAToken() {
        for (int size : new int[] {1, 2, 7, 1000}) {
            float[] logits = TestLogits.tied(size, 9);
            int token = new Sampler(PLAIN.topK(1).typicalP(0).topP(0).minP(1), size).sample(logits);
            assertEquals(new Sampler(GREEDY, size).sample(logits), token);
            new Sampler(PLAIN.typicalP(0).topP(0).minP(1), size).sample(logits);
        }
    }

    @Test
    void infiniteLogitsAreDrawnAsEquals() {
        assertEquals(new TreeSet<>(List.of(1, 3)), drawn(PLAIN.topP(0.99f), new float[] {5, INF, -INF, INF, 9}, 200));
    }

    @Test
    void anOverflowingBiasIsInfinite() {
        assertEquals(1, new Sampler(PLAIN.logitBias(Map.of(1, Float.MAX_VALUE)), 2).sample(new float[] {3, Float.MAX_VALUE}));
    }

    @Test
    void nanIsReportedWithItsToken() {
        float[] logits = {1, 2, Float.NaN, 3};
        for (SamplingOptions options : List.of(GREEDY, PLAIN, PLAIN.topK(2), PLAIN.logitBias(Map.of(2, -INF)))) {
            Sampler sampler = new Sampler(options, 4);
            String message = assertThrows(Gemma4Exception.class, () -> sampler.sample(logits)).getMessage();
            assertEquals("the model produced NaN: the logit of token 2 is not a number", message);
            assertThrows(Gemma4Exception.class, () -> sampler.topLogprobs(logits, 1));
        }
    }

    @Test
    void nothingLeftToDrawIsReported() {
        for (SamplingOptions options : List.of(GREEDY, PLAIN, PLAIN.topK(1))) {
            Sampler all = new Sampler(options, 2);
            String message = assertThrows(Gemma4Exception.class, () -> all.sample(new float[] {-INF, -INF})).getMessage();
            assertTrue(message.startsWith("no token can be chosen: all 2 logits are negative infinity"), message);
            Sampler rest = new Sampler(options.logitBias(Map.of(1, -INF)), 2);
            assertThrows(Gemma4Exception.class, () -> rest.sample(new float[] {-INF, 7}));
        }
        assertThrows(Gemma4Exception.class, () -> new Sampler(PLAIN, 1).topLogprobs(new float[] {-INF}, 1));
    }

    @Test
    void wrongSizesAndTokensAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> new Sampler(PLAIN, 0));
        assertThrows(IllegalArgumentException.class, () -> new Sampler(PLAIN.logitBias(Map.of(3, 1f)), 3));
        Sampler sampler = new Sampler(PLAIN, 3);
        assertThrows(IllegalArgumentException.class, () -> sampler.sample(new float[2]));
        assertThrows(IllegalArgumentException.class, () -> sampler.topLogprobs(new float[4], 1));
        assertThrows(IllegalArgumentException.class, () -> sampler.topLogprobs(new float[3], 0));
        assertThrows(IllegalArgumentException.class, () -> sampler.accept(3));
        assertThrows(IllegalArgumentException.class, () -> sampler.accept(-1));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 1000, 262144})
    void topLogprobsAreTheLogSoftmaxOfAllLogits(int size) {
        float[] logits = TestLogits.peaked(size, 8);
        double[] p = ReferenceChain.softmax(ReferenceChain.doubles(logits), 1);
        List<Integer> expected = IntStream.range(0, size).boxed()
                .sorted((a, b) -> Float.compare(logits[b], logits[a])).limit(20).toList();
        Sampler sampler = new Sampler(SamplingOptions.defaults().temperature(0.1f).topK(1).presencePenalty(9), size);
        sampler.accept(expected.getFirst());
        List<TokenLogprob> top = sampler.topLogprobs(logits, 20);
        assertEquals(expected, top.stream().map(TokenLogprob::token).toList());
        for (TokenLogprob t : top) {
            assertEquals(Math.log(p[t.token()]), t.logprob(), 1e-5);
        }
    }

    @Test
    void topLogprobsOrderTiesByIdAndLeaveOutTheImpossible() {
        Sampler sampler = new Sampler(PLAIN, 5);
        assertEquals(List.of(1, 3, 0), sampler.topLogprobs(new float[] {1, 2, -INF, 2, 0}, 3).stream().map(TokenLogprob::token).toList());
        List<TokenLogprob> infinite = sampler.topLogprobs(new float[] {1, INF, -INF, INF, 0}, 5);
        assertEquals(List.of(new TokenLogprob(1, (float) -Math.log(2)), new TokenLogprob(3, (float) -Math.log(2))), infinite);
    }

    /** The tokens that {@code draws} draws give. */
    private static TreeSet<Integer> drawn(SamplingOptions options, float[] logits, int draws) {
        Sampler sampler = new Sampler(options, logits.length);
        TreeSet<Integer> tokens = new TreeSet<>();
        for (int i = 0; i < draws; i++) {
            int token = sampler.sample(logits);
            tokens.add(token);
            sampler.accept(token);
        }
        return tokens;
    }

    private static float[] logs(double... probabilities) {
        float[] logits = new float[probabilities.length];
        for (int t = 0; t < logits.length; t++) {
            logits[t] = (float) Math.log(probabilities[t]);
        }
        return logits;
    }
}
