package io.gemma4j.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TruncationTest {
    private static final float[] FRACTIONS = {0, 1e-6f, 0.1f, 0.37f, 0.5f, 0.9f, 0.95f, 0.999f, 0.9999999f};

    private interface Stage {
        void drop(Candidates candidates, float value);
    }

    private interface Reference {
        double[] drop(double[] logits, double value);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 1000, 262144})
    void topPKeepsWhatAFullSortKeeps(int size) {
        assertSame(size, new Truncation(size)::topP, ReferenceChain::topP);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 1000, 262144})
    void typicalPKeepsWhatAFullSortKeeps(int size) {
        assertSame(size, new Truncation(size)::typicalP, ReferenceChain::typicalP);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 1000, 262144})
    void minPKeepsEveryTokenNearEnoughToTheBest(int size) {
        float[] logits = TestLogits.peaked(size, size);
        for (float minP : new float[] {1e-6f, 0.05f, 0.3f, 0.999f, 1}) {
            int[] expected = ReferenceChain.survivors(ReferenceChain.minP(ReferenceChain.doubles(logits), minP));
            Candidates candidates = TestLogits.candidates(logits);
            Truncation.minP(candidates, minP);
            assertArrayEquals(expected, TestLogits.tokens(candidates));
        }
    }

    @Test
    void minPOfOneKeepsAllThatTieForTheBest() {
        Candidates candidates = TestLogits.candidates(new float[] {1, 3, 2.9999f, 3, -5});
        Truncation.minP(candidates, 1);
        assertArrayEquals(new int[] {1, 3}, TestLogits.tokens(candidates));
    }

    @Test
    void topPOfEqualsKeepsTheLowestIds() {
        Candidates candidates = TestLogits.candidates(new float[10]);
        new Truncation(10).topP(candidates, 0.5f);
        assertArrayEquals(new int[] {0, 1, 2, 3, 4}, TestLogits.tokens(candidates));
    }

    @Test
    void positiveAndNegativeZeroAreEqual() {
        Candidates candidates = TestLogits.candidates(new float[] {-0.0f, 0.0f, -0.0f, 0.0f});
        new Truncation(4).topP(candidates, 0.5f);
        assertArrayEquals(new int[] {0, 1}, TestLogits.tokens(candidates));
    }

    @Test
    void typicalPCanDropTheMostLikelyToken() {
        // One token of probability 0.4 and sixty of 0.01: the information of the many is nearer to the entropy.
        float[] logits = new float[61];
        Arrays.fill(logits, (float) Math.log(0.01));
        logits[7] = (float) Math.log(0.4);
        Candidates candidates = TestLogits.candidates(logits);
        new Truncation(61).typicalP(candidates, 0.3f);
        int[] kept = TestLogits.tokens(candidates);
        assertTrue(kept.length >= 30 && kept.length <= 31, () -> "kept " + kept.length);
        assertTrue(Arrays.stream(kept).noneMatch(token -> token == 7));
    }

    @Test
    void extremeLogitsLeaveTheBestToken() {
        float[] logits = {-Float.MAX_VALUE, Float.MAX_VALUE, 0, -1e30f, 1e30f};
        Truncation truncation = new Truncation(5);
        for (float fraction : FRACTIONS) {
            Candidates candidates = TestLogits.candidates(logits);
            truncation.typicalP(candidates, fraction);
            truncation.topP(candidates, fraction);
            Truncation.minP(candidates, 0.5f);
            assertArrayEquals(new int[] {1}, TestLogits.tokens(candidates));
        }
    }

    @Test
    void noOrderOfTheLogitsIsSlow() {
        int size = 262144;
        float[] sorted = TestLogits.peaked(size, 1);
        Arrays.sort(sorted);
        float[] organPipe = new float[size];
        for (int i = 0; i < size; i++) {
            organPipe[i] = sorted[i % 2 == 0 ? i / 2 : size - 1 - i / 2];
        }
        Truncation truncation = new Truncation(size);
        Assertions.assertTimeout(Duration.ofSeconds(20), () -> {
            for (float[] logits : new float[][] {sorted, organPipe, new float[size]}) {
                Candidates candidates = TestLogits.candidates(logits);
                truncation.topP(candidates, 0.999f);
                assertTrue(candidates.size() < size);
            }
        });
    }

    private static void assertSame(int size, Stage stage, Reference reference) {
        Random random = new Random(size);
        float[] flat = new float[size];
        for (int t = 0; t < size; t++) {
            flat[t] = random.nextFloat();
        }
        for (float[] logits : new float[][] {TestLogits.peaked(size, 11), TestLogits.tied(size, 12), flat}) {
            for (float fraction : FRACTIONS) {
                int[] expected = ReferenceChain.survivors(reference.drop(ReferenceChain.doubles(logits), fraction));
                Candidates candidates = TestLogits.candidates(logits);
                stage.drop(candidates, fraction);
                assertArrayEquals(expected, TestLogits.tokens(candidates), () -> "fraction " + fraction);
            }
        }
    }
}
