package io.gemma4j.sampling;

/**
 * The tokens that are still in the running, in ascending order of id, with their logits (all finite). Stages only ever drop tokens, never
 * the last one, and keep the order. Storage is allocated once. Not thread-safe.
 */
final class Candidates {
    private final int[] tokens;
    private final float[] logits;
    private final double[] weights;
    private int size;

    Candidates(int capacity) {
        tokens = new int[capacity];
        logits = new float[capacity];
        weights = new double[capacity];
    }

    int size() {
        return size;
    }

    int token(int i) {
        return tokens[i];
    }

    float logit(int i) {
        return logits[i];
    }

    /** The weight that the last {@link #weigh} gave candidate i. */
    double weight(int i) {
        return weights[i];
    }

    void clear() {
        size = 0;
    }

    void add(int token, float logit) {
        tokens[size] = token;
        logits[size++] = logit;
    }

    /** Puts candidate {@code i} after the {@code kept} first ones, which drops what lay between; returns the number kept now. */
    int keep(int kept, int i) {
        tokens[kept] = tokens[i];
        logits[kept] = logits[i];
        return kept + 1;
    }

    /** Drops all but the first {@code kept} candidates. */
    void truncate(int kept) {
        size = kept;
    }

    float maxLogit() {
        float max = logits[0];
        for (int i = 1; i < size; i++) {
            max = Math.max(max, logits[i]);
        }
        return max;
    }

    /**
     * Computes the softmax numerators {@code w_i = exp((logit_i - max) / temperature)}; returns their sum, at least 1.
     * StrictMath: the same weights on every JVM.
     */
    double weigh(double temperature) {
        double max = maxLogit();
        double total = 0;
        for (int i = 0; i < size; i++) {
            weights[i] = StrictMath.exp((logits[i] - max) / temperature);
            total += weights[i];
        }
        return total;
    }

    /** The token with the lowest id at which the running sum of the weights exceeds {@code uniform * total}. */
    int draw(double total, double uniform) {
        double target = uniform * total;
        double sum = 0;
        int drawn = -1;
        for (int i = 0; i < size && sum <= target; i++) {
            if (weights[i] > 0) {
                sum += weights[i];
                drawn = i; // the last one stays where rounding lets the target reach the total
            }
        }
        return tokens[drawn];
    }
}
