package io.gemma4j.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class CandidatesTest {
    @Test
    void theRunningSumHasToExceedTheUniformNumber() {
        Candidates candidates = TestLogits.candidates(new float[4]);
        double total = candidates.weigh(1);
        assertEquals(4, total);
        assertEquals(0, candidates.draw(total, 0));
        assertEquals(0, candidates.draw(total, Math.nextDown(0.25)));
        assertEquals(1, candidates.draw(total, 0.25));
        assertEquals(3, candidates.draw(total, 0.75));
    }

    @Test
    void tokensWithoutWeightAreNeverDrawn() {
        Candidates candidates = TestLogits.candidates(new float[] {-9000, 0, -9000, -9000});
        double total = candidates.weigh(1);
        assertEquals(1, total);
        assertEquals(1, candidates.draw(total, 0));
        // A target that rounding puts at the total itself.
        assertEquals(1, candidates.draw(total, 1));
    }
}
