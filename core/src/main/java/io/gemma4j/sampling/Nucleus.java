package io.gemma4j.sampling;

import java.util.Arrays;

/**
 * Keeps the smallest set of candidates, taken by descending score, whose weights reach a fraction of the total; of equal scores at the
 * boundary those with the lowest ids. At least one candidate stays.
 *
 * <p>A radix selection, not a sort: four passes, each of which resolves eight bits of the score at the boundary, so time is linear in the
 * number of candidates whatever their order. Not thread-safe.
 */
final class Nucleus {
    private static final int DIGIT_BITS = 8;
    private static final int DIGITS = 1 << DIGIT_BITS;

    private final int[] keys;
    private final double[] weightOfDigit = new double[DIGITS];

    /** For at most {@code capacity} candidates. */
    Nucleus(int capacity) {
        keys = new int[capacity];
    }

    /** Sets the score of candidate {@code i}; not NaN. */
    void score(int i, float score) {
        int bits = Float.floatToIntBits(score + 0.0f); // -0 becomes 0, its equal
        keys[i] = bits < 0 ? ~bits : bits ^ Integer.MIN_VALUE; // unsigned order of the keys is the order of the scores
    }

    /** Drops the candidates outside the set; every one has a score, and weights that sum to {@code total}. */
    void keep(Candidates candidates, double total, float fraction) {
        double target = fraction * total;
        double above = 0; // weight of the candidates above the boundary digits found so far
        int boundary = 0;
        for (int shift = Integer.SIZE - DIGIT_BITS; shift >= 0; shift -= DIGIT_BITS) {
            sumByDigit(candidates, boundary, shift);
            int digit = -1;
            for (int lower = DIGITS - 1; lower >= 0 && (digit < 0 || above + weightOfDigit[digit] < target); lower--) {
                if (weightOfDigit[lower] > 0) {
                    above += digit < 0 ? 0 : weightOfDigit[digit];
                    digit = lower;
                }
            }
            boundary |= digit << shift;
        }
        int kept = 0;
        boolean boundaryReached = false;
        for (int i = 0; i < candidates.size(); i++) {
            int order = Integer.compareUnsigned(keys[i], boundary);
            if (order > 0) {
                kept = candidates.keep(kept, i);
            } else if (order == 0 && (!boundaryReached || above < target)) {
                above += candidates.weight(i);
                kept = candidates.keep(kept, i);
                boundaryReached = true;
            }
        }
        candidates.truncate(kept);
    }

    private void sumByDigit(Candidates candidates, int boundary, int shift) {
        Arrays.fill(weightOfDigit, 0);
        int resolved = (int) (-1L << shift + DIGIT_BITS);
        for (int i = 0; i < candidates.size(); i++) {
            if (((keys[i] ^ boundary) & resolved) == 0) {
                weightOfDigit[keys[i] >>> shift & DIGITS - 1] += candidates.weight(i);
            }
        }
    }
}
