package io.gemma4j.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TopKTest {
    private static final float INF = Float.POSITIVE_INFINITY;

    @ParameterizedTest
    @CsvSource({"1,1", "1,5", "2,1", "2,2", "7,3", "7,6", "7,7", "1000,1", "1000,64", "1000,999", "1000,2000", "262144,64", "262144,5000"})
    void keepsWhatAFullSortKeeps(int size, int k) {
        for (float[] logits : new float[][] {TestLogits.peaked(size, k), TestLogits.tied(size, k), ascending(size)}) {
            int[] expected = ReferenceChain.survivors(ReferenceChain.topK(ReferenceChain.doubles(logits), k));
            Candidates candidates = select(logits, k);
            assertArrayEquals(expected, TestLogits.tokens(candidates));
            for (int i = 0; i < candidates.size(); i++) {
                assertEquals(logits[candidates.token(i)], candidates.logit(i));
            }
        }
    }

    @Test
    void bannedTokensNeverFillUpTheK() {
        assertArrayEquals(new int[] {1, 4}, TestLogits.tokens(select(new float[] {-INF, -3, -INF, -INF, 2, -INF}, 4)));
        assertArrayEquals(new int[] {1, 4}, TestLogits.tokens(select(new float[] {-INF, -3, -INF, -INF, 2, -INF}, 6)));
    }

    @Test
    void ofInfiniteLogitsTheFirstKAreEquals() {
        float[] logits = {1, INF, 0, INF, -INF, INF};
        assertArrayEquals(new int[] {1, 3}, TestLogits.tokens(select(logits, 2)));
        Candidates all = select(logits, 6);
        assertArrayEquals(new int[] {1, 3, 5}, TestLogits.tokens(all));
        assertEquals(3, all.weigh(1));
    }

    @Test
    void aSecondSelectionStartsAfresh() {
        TopK topK = new TopK(2, 4);
        Candidates candidates = new Candidates(2);
        topK.select(new float[] {9, 8, 7, 6}, 9, candidates);
        topK.select(new float[] {1, 2, 3, 4}, 4, candidates);
        assertArrayEquals(new int[] {2, 3}, TestLogits.tokens(candidates));
    }

    private static Candidates select(float[] logits, int k) {
        float max = Float.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, logit);
        }
        Candidates candidates = new Candidates(Math.min(k, logits.length));
        new TopK(Math.min(k, logits.length), logits.length).select(logits, max, candidates);
        return candidates;
    }

    private static float[] ascending(int size) {
        float[] logits = TestLogits.peaked(size, 3);
        Arrays.sort(logits);
        return logits;
    }
}
