package io.gemma4j.sampling;

import java.util.Arrays;

/** Sets of tokens as bits: bit {@code t % 64} of word {@code t / 64} is token {@code t}. */
final class TokenMask {
    private TokenMask() {}

    /** Sets the logits of tokens that are not in the mask to negative infinity. */
    static void apply(long[] mask, float[] logits) {
        for (int word = 0; word < mask.length; word++) {
            int first = word << 6;
            int last = Math.min(logits.length, first + Long.SIZE);
            if (mask[word] == 0) {
                Arrays.fill(logits, first, last, Float.NEGATIVE_INFINITY);
            } else {
                for (long outside = ~mask[word]; outside != 0; outside &= outside - 1) {
                    int token = first + Long.numberOfTrailingZeros(outside);
                    if (token < last) {
                        logits[token] = Float.NEGATIVE_INFINITY;
                    }
                }
            }
        }
    }
}
