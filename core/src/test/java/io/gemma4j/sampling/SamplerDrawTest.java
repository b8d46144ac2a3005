package io.gemma4j.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.gemma4j.SamplingOptions;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SamplerDrawTest {
    private static final SamplingOptions PLAIN = SamplingOptions.greedy().temperature(1).seed(7);

    static List<SamplingOptions> chains() {
        return List.of(
                PLAIN,
                PLAIN.temperature(0.4f),
                PLAIN.temperature(2.5f),
                PLAIN.topK(5),
                PLAIN.topP(0.8f),
                PLAIN.typicalP(0.7f),
                PLAIN.minP(0.1f),
                SamplingOptions.defaults().seed(1),
                PLAIN.temperature(1.3f).topK(30).typicalP(0.95f).topP(0.9f).minP(0.02f).logitBias(Map.of(1, 2f, 2, Float.NEGATIVE_INFINITY)));
    }

    @ParameterizedTest
    @MethodSource("chains")
    void frequenciesFollowTheReferenceProbabilities(SamplingOptions options) {
        float[] logits = smooth();
        assertTrue(chiSquareZ(frequencies(options, logits), ReferenceChain.probabilities(logits, options)) < 5);
    }

    @Test
    void theFrequencyTestTellsASlightlyWrongTemperature() {
        float[] logits = smooth();
        assertTrue(chiSquareZ(frequencies(PLAIN.temperature(1.05f), logits), ReferenceChain.probabilities(logits, PLAIN)) > 5);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 1000, 262144})
    void everyDrawIsTheInverseOfTheCumulatedProbabilityInIdOrder(int size) {
        for (SamplingOptions options : List.of(PLAIN, PLAIN.temperature(1.5f).topP(0.9f), PLAIN.topK(40).typicalP(0.9f).minP(0.01f))) {
            float[] logits = TestLogits.peaked(size, size);
            double[] p = ReferenceChain.probabilities(logits, options);
            Sampler sampler = new Sampler(options, size);
            for (int step = 0; step < 100; step++) {
                assertEquals(ReferenceChain.draw(p, SplitMix64.uniform(7, step)), sampler.sample(logits));
                sampler.accept(0);
            }
        }
    }

    @Test
    void aWholeTextWithPenaltiesFollowsTheReference() {
        SamplingOptions options = SamplingOptions.defaults().repetitionPenalty(1.2f).frequencyPenalty(0.3f).presencePenalty(0.1f)
                .penaltyTokens(20).logitBias(Map.of(4, -3f)).seed(99);
        Sampler sampler = new Sampler(options, 200);
        int[] text = new int[300];
        for (int n = 0; n < text.length; n++) {
            float[] logits = TestLogits.peaked(200, n / 10);
            int[] history = Arrays.copyOf(text, n);
            text[n] = sampler.sample(logits);
            assertEquals(ReferenceChain.draw(ReferenceChain.probabilities(logits, options, history), SplitMix64.uniform(99, n)), text[n]);
            sampler.accept(text[n]);
        }
    }

    @Test
    void pinnedSequencesStay() {
        // uniform(1, 0..7) * 10 rounded down, by the JDK's own generator of the same formula
        int[] expected = new SplittableRandom(1).doubles(8).mapToInt(u -> (int) (u * 10)).toArray();
        assertArrayEquals(expected, sequence(PLAIN.seed(1), new float[10], 8));
        int[] pinned = {909, 90, 90, 90, 90, 940, 90, 940, 90, 840, 90, 481};
        assertArrayEquals(pinned, sequence(SamplingOptions.defaults().seed(42), TestLogits.peaked(1000, 5), 12));
    }

    @Test
    void oneSeedGivesOneTextAndAnotherSeedAnother() {
        float[] logits = TestLogits.peaked(1000, 5);
        assertArrayEquals(sequence(PLAIN.seed(3), logits, 50), sequence(PLAIN.seed(3), logits, 50));
        assertTrue(!Arrays.equals(sequence(PLAIN.seed(3), logits, 50), sequence(PLAIN.seed(4), logits, 50)));
    }

    @Test
    void aFreshSeedCanBeReadAndRepeated() {
        float[] logits = TestLogits.peaked(1000, 5);
        Sampler fresh = new Sampler(SamplingOptions.defaults(), 1000);
        assertNotEquals(fresh.seed(), new Sampler(SamplingOptions.defaults(), 1000).seed());
        Sampler again = new Sampler(SamplingOptions.defaults().seed(fresh.seed()), 1000);
        for (int i = 0; i < 50; i++) {
            int token = fresh.sample(logits);
            assertEquals(token, again.sample(logits));
            fresh.accept(token);
            again.accept(token);
        }
    }

    @Test
    void aDrawDependsOnItsPlaceAndNotOnEarlierDraws() {
        float[] logits = TestLogits.peaked(1000, 5);
        int[] text = sequence(PLAIN, logits, 30);
        Sampler resumed = new Sampler(PLAIN, 1000);
        for (int n = 0; n < 29; n++) {
            resumed.accept(text[n]);
        }
        assertEquals(text[29], resumed.sample(logits));
        assertEquals(text[29], resumed.sample(logits));
    }

    @Test
    void samplingAllocatesNothingAfterWarmUp() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        float[] logits = TestLogits.peaked(20000, 5);
        SamplingOptions all = PLAIN.typicalP(0.99f).topP(0.9f).minP(0.001f).repetitionPenalty(1.1f).logitBias(Map.of(1, 1f, 2, -1f));
        for (SamplingOptions options : List.of(SamplingOptions.greedy(), SamplingOptions.defaults(), all, all.topK(100))) {
            Sampler sampler = new Sampler(options, logits.length);
            sample(sampler, logits, 200);
            threads.getCurrentThreadAllocatedBytes();
            long before = threads.getCurrentThreadAllocatedBytes();
            sample(sampler, logits, 200);
            long allocatedBytes = threads.getCurrentThreadAllocatedBytes() - before;
            assertTrue(allocatedBytes < 200 * 8, () -> allocatedBytes + " bytes for 200 tokens");
        }
    }

    private static void sample(Sampler sampler, float[] logits, int tokens) {
        for (int i = 0; i < tokens; i++) {
            sampler.accept(sampler.sample(logits));
        }
    }

    private static int[] sequence(SamplingOptions options, float[] logits, int tokens) {
        Sampler sampler = new Sampler(options, logits.length);
        int[] sequence = new int[tokens];
        for (int i = 0; i < tokens; i++) {
            sequence[i] = sampler.sample(logits);
            sampler.accept(sequence[i]);
        }
        return sequence;
    }

    private static float[] smooth() {
        Random random = new Random(21);
        float[] logits = new float[60];
        for (int t = 0; t < logits.length; t++) {
            logits[t] = (float) random.nextGaussian();
        }
        return logits;
    }

    private static long[] frequencies(SamplingOptions options, float[] logits) {
        Sampler sampler = new Sampler(options, logits.length);
        long[] counts = new long[logits.length];
        for (int i = 0; i < 100_000; i++) {
            counts[sampler.sample(logits)]++;
            sampler.accept(0);
        }
        return counts;
    }

    /**
     * Pearson's statistic as a standard normal deviate (Wilson and Hilferty 1931): 5 is a chance of 3e-7. Tokens of fewer than 5 expected
     * draws share one bin; one that must not occur makes it infinite.
     */
    private static double chiSquareZ(long[] counts, double[] p) {
        long draws = Arrays.stream(counts).sum();
        double statistic = 0;
        double rareExpected = 0;
        long rareCount = 0;
        int bins = 0;
        for (int t = 0; t < p.length; t++) {
            if (p[t] == 0 && counts[t] > 0) {
                return Double.POSITIVE_INFINITY;
            } else if (p[t] * draws < 5) {
                rareExpected += p[t] * draws;
                rareCount += counts[t];
            } else {
                statistic += square(counts[t] - p[t] * draws) / (p[t] * draws);
                bins++;
            }
        }
        if (rareExpected >= 5) {
            statistic += square(rareCount - rareExpected) / rareExpected;
            bins++;
        }
        double freedom = bins - 1;
        assertTrue(freedom >= 1, "nothing to compare");
        double spread = 2 / (9 * freedom);
        return (Math.cbrt(statistic / freedom) - (1 - spread)) / Math.sqrt(spread);
    }

    private static double square(double value) {
        return value * value;
    }
}
