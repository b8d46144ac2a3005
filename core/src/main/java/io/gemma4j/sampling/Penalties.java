package io.gemma4j.sampling;

import io.gemma4j.SamplingOptions;
import java.util.Arrays;

/**
 * Makes tokens of the recent past less likely. With c the occurrences of a token among the last {@code penaltyTokens} tokens, each token
 * with c &gt; 0 gets
 *
 * <pre>
 * logit = logit &gt; 0 ? logit / repetitionPenalty : logit * repetitionPenalty
 * logit = logit - (c * frequencyPenalty + presencePenalty)
 * </pre>
 *
 * The first line is the penalty of CTRL (Keskar et al. 2019, section 4.1) with the sign repaired as transformers and llama.cpp do, the second
 * that of the OpenAI API reference. Not thread-safe.
 */
final class Penalties {
    private static final int FIRST_CAPACITY_TOKENS = 64;

    private final float repetition;
    private final float presence;
    private final float frequency;
    private final int windowTokens;
    private final int[] occurrences;
    /** The window as a ring; it grows until it holds {@code windowTokens}, so that an unlimited window costs what the text is long. */
    private int[] ring;
    private int ringTokens;
    private int oldest;
    private int[] distinct;
    private int distinctTokens;

    Penalties(SamplingOptions options, int vocabularySize) {
        repetition = options.repetitionPenalty();
        presence = options.presencePenalty();
        frequency = options.frequencyPenalty();
        windowTokens = options.penaltyTokens() < 0 ? Integer.MAX_VALUE : options.penaltyTokens();
        occurrences = new int[vocabularySize];
        ring = new int[Math.min(windowTokens, FIRST_CAPACITY_TOKENS)];
        distinct = new int[ring.length];
    }

    /** Whether {@code options} penalise anything. */
    static boolean isOn(SamplingOptions options) {
        return options.penaltyTokens() != 0
                && (options.repetitionPenalty() != 1 || options.presencePenalty() != 0 || options.frequencyPenalty() != 0);
    }

    /** The tokens it looks at, oldest first. */
    int[] window() {
        int[] window = new int[ringTokens];
        for (int i = 0; i < ringTokens; i++) {
            window[i] = ring[(oldest + i) % ringTokens];
        }
        return window;
    }

    /** Appends a token to the past. */
    void accept(int token) {
        if (ringTokens == windowTokens) {
            forget(ring[oldest]);
            ring[oldest] = token;
            oldest = oldest + 1 == windowTokens ? 0 : oldest + 1;
        } else {
            ring = withRoom(ring, ringTokens);
            ring[ringTokens++] = token;
        }
        if (occurrences[token]++ == 0) {
            distinct = withRoom(distinct, distinctTokens);
            distinct[distinctTokens++] = token;
        }
    }

    private void forget(int token) {
        if (--occurrences[token] == 0) {
            int place = 0;
            while (distinct[place] != token) {
                place++;
            }
            distinct[place] = distinct[--distinctTokens];
        }
    }

    private static int[] withRoom(int[] tokens, int used) {
        return used < tokens.length ? tokens : Arrays.copyOf(tokens, 2 * used);
    }

    /** Changes {@code logits}, one per token id, in place. */
    void apply(float[] logits) {
        for (int i = 0; i < distinctTokens; i++) {
            int token = distinct[i];
            float logit = logits[token];
            logit = logit > 0 ? logit / repetition : logit * repetition;
            // In double: the sum stays finite, so an infinite logit cannot become NaN.
            logits[token] = (float) (logit - ((double) occurrences[token] * frequency + presence));
        }
    }
}
