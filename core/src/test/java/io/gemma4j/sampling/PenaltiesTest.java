package io.gemma4j.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.SamplingOptions;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PenaltiesTest {
    private static final SamplingOptions OFF = SamplingOptions.greedy().penaltyTokens(-1);

    @Test
    void repetitionDividesPositiveAndMultipliesNegativeLogits() {
        assertArrayEquals(new float[] {2, -6, 0, 4}, apply(OFF.repetitionPenalty(2), new float[] {4, -3, 0, 4}, 0, 1, 2, 0));
    }

    @Test
    void presenceCountsOnce() {
        assertArrayEquals(new float[] {3.5f, -3.5f, 1}, apply(OFF.presencePenalty(0.5f), new float[] {4, -3, 1}, 0, 1, 0, 0));
    }

    @Test
    void frequencyCountsEveryOccurrence() {
        assertArrayEquals(new float[] {2.5f, -3.5f, 1}, apply(OFF.frequencyPenalty(0.5f), new float[] {4, -3, 1}, 0, 1, 0, 0));
    }

    @Test
    void negativePenaltiesReward() {
        assertArrayEquals(new float[] {8, 1}, apply(OFF.presencePenalty(-1).frequencyPenalty(-1.5f), new float[] {4, 1}, 0, 0));
    }

    @Test
    void infiniteLogitsStayInfinite() {
        float inf = Float.POSITIVE_INFINITY;
        SamplingOptions huge = OFF.repetitionPenalty(3).presencePenalty(Float.MAX_VALUE).frequencyPenalty(Float.MAX_VALUE);
        assertArrayEquals(new float[] {inf, -inf, -inf}, apply(huge, new float[] {inf, -inf, 1}, 0, 0, 1, 1, 2, 2));
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 1, 2, 3, 64, 65, 100, 1000})
    void everyMomentOfALongTextMatchesARecount(int penaltyTokens) {
        SamplingOptions options =
                OFF.penaltyTokens(penaltyTokens).repetitionPenalty(1.3f).presencePenalty(0.25f).frequencyPenalty(0.125f);
        Random random = new Random(penaltyTokens);
        int[] history = new int[400];
        int vocabulary = 97;
        Penalties penalties = new Penalties(options, vocabulary);
        for (int n = 0; n < history.length; n++) {
            history[n] = random.nextInt(1 + random.nextInt(vocabulary));
            penalties.accept(history[n]);
            float[] logits = TestLogits.peaked(vocabulary, n);
            double[] expected = ReferenceChain.penalise(ReferenceChain.doubles(logits), options, Arrays.copyOf(history, n + 1));
            penalties.apply(logits);
            for (int t = 0; t < vocabulary; t++) {
                assertEquals(expected[t], logits[t], 1e-5, "token " + t + " after " + (n + 1));
            }
        }
    }

    @Test
    void neutralValuesAndAnEmptyWindowAreOff() {
        assertFalse(Penalties.isOn(OFF));
        assertFalse(Penalties.isOn(OFF.repetitionPenalty(2).penaltyTokens(0)));
        assertTrue(Penalties.isOn(OFF.repetitionPenalty(0.5f)));
        assertTrue(Penalties.isOn(OFF.presencePenalty(-1)));
        assertTrue(Penalties.isOn(OFF.frequencyPenalty(0.1f)));
    }

    private static float[] apply(SamplingOptions options, float[] logits, int... history) {
        Penalties penalties = new Penalties(options, logits.length);
        for (int token : history) {
            penalties.accept(token);
        }
        penalties.apply(logits);
        return logits;
    }
}
