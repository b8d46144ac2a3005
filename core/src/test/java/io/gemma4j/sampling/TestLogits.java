package io.gemma4j.sampling;

import java.util.Random;

/** Random logits and the candidates made of them. */
final class TestLogits {
    private TestLogits() {}

    /** Few tokens stand out of many, as in a language model. */
    static float[] peaked(int size, long seed) {
        Random random = new Random(seed);
        float[] logits = new float[size];
        for (int t = 0; t < size; t++) {
            logits[t] = (float) (random.nextGaussian() * 2 + (random.nextInt(50) == 0 ? 9 : 0));
        }
        return logits;
    }

    /** Whole numbers from -4 to 4: ties everywhere. */
    static float[] tied(int size, long seed) {
        Random random = new Random(seed);
        float[] logits = new float[size];
        for (int t = 0; t < size; t++) {
            logits[t] = random.nextInt(9) - 4;
        }
        return logits;
    }

    static Candidates candidates(float[] logits) {
        Candidates candidates = new Candidates(logits.length);
        for (int t = 0; t < logits.length; t++) {
            candidates.add(t, logits[t]);
        }
        return candidates;
    }

    static int[] tokens(Candidates candidates) {
        int[] tokens = new int[candidates.size()];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = candidates.token(i);
        }
        return tokens;
    }
}
