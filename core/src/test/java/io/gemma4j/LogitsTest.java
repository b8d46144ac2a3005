package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.sampling.Sampler;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LogitsTest {
    private static final int[] HISTORY = {3, 1, 3, 7, 3};
    private static final float[] VALUES = random(1000, 1);
    private static final SamplingOptions BASE = SamplingOptions.defaults().seed(11);

    @Test
    void scoresComeBackAsGiven() {
        Logits logits = new Logits(VALUES, BASE, HISTORY);
        assertEquals(1000, logits.size());
        assertArrayEquals(VALUES, logits.toArray());
        assertEquals(VALUES[42], logits.get(42));
        assertThrows(IndexOutOfBoundsException.class, () -> logits.get(1000));
        assertThrows(IndexOutOfBoundsException.class, () -> logits.get(-1));
    }

    @Test
    void neitherTheGivenNorTheReturnedArraysReachInside() {
        float[] values = {1, 5, 2};
        int[] history = {1};
        Logits logits = new Logits(values, SamplingOptions.greedy().presencePenalty(10), history);
        values[0] = 100;
        history[0] = 2;
        logits.toArray()[0] = 100;
        assertArrayEquals(new float[] {1, 5, 2}, logits.toArray());
        assertEquals(2, logits.sample());
    }

    @Test
    void argmaxIgnoresTheOptions() {
        Logits logits = new Logits(new float[] {1, 5, 2, 5}, BASE.logitBias(Map.of(1, Float.NEGATIVE_INFINITY)), new int[] {1});
        assertEquals(1, logits.argmax());
    }

    @Test
    void sampleDoesWhatASamplerFedTheHistoryDoes() {
        assertSamplesLike(o -> o, l -> l);
        assertSamplesLike(o -> o.temperature(0), l -> l.temperature(0));
        assertSamplesLike(o -> o.temperature(3), l -> l.temperature(3));
        assertSamplesLike(o -> o.temperature(9).topK(2), l -> l.temperature(9).topK(2));
        assertSamplesLike(o -> o.temperature(9).topP(0.2f), l -> l.temperature(9).topP(0.2f));
        assertSamplesLike(o -> o.temperature(9).minP(0.4f), l -> l.temperature(9).minP(0.4f));
        assertSamplesLike(o -> o.temperature(9).typicalP(0.2f), l -> l.temperature(9).typicalP(0.2f));
        assertSamplesLike(o -> o.temperature(0).repetitionPenalty(50), l -> l.temperature(0).repetitionPenalty(50));
        assertSamplesLike(o -> o.temperature(0).presencePenalty(50), l -> l.temperature(0).presencePenalty(50));
        assertSamplesLike(o -> o.temperature(0).frequencyPenalty(-50), l -> l.temperature(0).frequencyPenalty(-50));
        assertSamplesLike(o -> o.temperature(0).frequencyPenalty(-50).penaltyTokens(2), l -> l.temperature(0).frequencyPenalty(-50).penaltyTokens(2));
        assertSamplesLike(o -> o.logitBias(Map.of(77, 100f)), l -> l.logitBias(Map.of(77, 100f)));
        assertSamplesLike(o -> o.seed(99), l -> l.seed(99));
    }

    @Test
    void fluentOptionsLeaveTheOriginalAlone() {
        Logits logits = new Logits(new float[] {1, 2, 3}, SamplingOptions.greedy(), new int[0]);
        assertEquals(0, logits.logitBias(Map.of(0, 10f)).sample());
        assertEquals(2, logits.sample());
    }

    @Test
    void oneSeedRepeatsInOnePlaceAndVariesAlongTheText() {
        Logits flat = new Logits(new float[1000], BASE.topK(0).topP(1), new int[0]);
        assertEquals(flat.sample(), flat.sample());
        long distinct = IntStream.range(0, 100)
                .map(n -> new Logits(new float[1000], BASE.topK(0).topP(1), new int[n]).sample()).distinct().count();
        assertTrue(distinct > 80, () -> "only " + distinct + " distinct draws");
    }

    @Test
    void withoutASeedDrawsDiffer() {
        Logits flat = new Logits(new float[100_000], SamplingOptions.defaults().topK(0).topP(1), new int[0]);
        int first = flat.sample();
        assertTrue(IntStream.range(0, 20).anyMatch(i -> flat.sample() != first));
    }

    @Test
    void topIsTheModelsDistributionWhateverTheOptions() {
        Logits logits = new Logits(new float[] {(float) Math.log(1), (float) Math.log(6), (float) Math.log(3)},
                BASE.temperature(0.1f).logitBias(Map.of(1, Float.NEGATIVE_INFINITY)), new int[] {1});
        List<TokenLogprob> top = logits.top(2);
        assertEquals(List.of(1, 2), top.stream().map(TokenLogprob::token).toList());
        assertEquals(Math.log(0.6), top.get(0).logprob(), 1e-6);
        assertEquals(Math.log(0.3), top.get(1).logprob(), 1e-6);
    }

    @Test
    void wrongInputIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> new Logits(new float[0], BASE, HISTORY));
        assertThrows(IllegalArgumentException.class, () -> new Logits(new float[3], BASE, HISTORY).sample());
        assertThrows(IllegalArgumentException.class, () -> new Logits(new float[3], BASE, new int[0]).temperature(-1));
        assertThrows(IllegalArgumentException.class, () -> new Logits(new float[3], BASE, new int[0]).top(0));
        Logits broken = new Logits(new float[] {1, Float.NaN}, BASE, new int[0]);
        assertThrows(Gemma4Exception.class, broken::sample);
        assertThrows(Gemma4Exception.class, broken::argmax);
        assertThrows(Gemma4Exception.class, () -> broken.top(1));
    }

    private static void assertSamplesLike(UnaryOperator<SamplingOptions> options, UnaryOperator<Logits> fluent) {
        boolean optionsMatter = false;
        for (int i = 0; i < 30; i++) {
            float[] values = random(1000, i);
            Sampler sampler = new Sampler(options.apply(BASE), values.length);
            for (int token : HISTORY) {
                values[token] = 12.2f + token * 0.1f; // penalties then change the result
                sampler.accept(token);
            }
            int expected = sampler.sample(values);
            assertEquals(expected, fluent.apply(new Logits(values, BASE, HISTORY)).sample());
            optionsMatter |= expected != new Logits(values, BASE, HISTORY).sample();
        }
        assertEquals(options.apply(BASE) != BASE, optionsMatter);
    }

    private static float[] random(int size, long seed) {
        Random random = new Random(seed);
        float[] values = new float[size];
        for (int t = 0; t < size; t++) {
            values[t] = (float) random.nextGaussian() * 4;
        }
        return values;
    }
}
