package io.gemma4j.backend;

/**
 * Rotary position embedding of one kind of layer: pair {@code i} is elements {@code (i, i + headDim / 2)} of a head and turns by
 * {@code position * inverseFrequencies[i]} radians. A pair with frequency 0 does not turn.
 *
 * @param inverseFrequencies one for each pair; not to be modified
 */
public record RopeFrequencies(double[] inverseFrequencies) {
    // Radians for each position: over a million positions less than what a float resolves. Files ask for none with a factor of 1e30.
    private static final double NEGLIGIBLE = 1e-14;

    /**
     * {@code base^(-2i / headDim) / factor[i]}.
     *
     * @param factors divisors from the model file, or null for none
     */
    public static RopeFrequencies of(int headDim, double base, float[] factors) {
        double[] frequencies = new double[headDim / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = Math.pow(base, -2.0 * i / headDim) / (factors == null ? 1 : factors[i]);
        }
        return new RopeFrequencies(frequencies);
    }

    /** How many pairs there are up to the last that turns at all within any text. */
    public int turningPairs() {
        int pairs = inverseFrequencies.length;
        while (pairs > 0 && Math.abs(inverseFrequencies[pairs - 1]) < NEGLIGIBLE) {
            pairs--;
        }
        return pairs;
    }

    /** Elements of a head. */
    public int headDim() {
        return 2 * inverseFrequencies.length;
    }
}
