package io.gemma4j.bench.synth;

/** How the elements of a tensor are distributed. */
public sealed interface Distribution {

    /** Uniform around zero; the only one that quantized types offer. */
    record Symmetric(double deviation) implements Distribution {}

    /** Uniform within a fifth of a positive mean. */
    record Around(double mean) implements Distribution {}

    /** Like {@link Around}, with a random sign. */
    record EitherSign(double mean) implements Distribution {}

    /** One for pairs that rotate, so much for the rest that they stand still. */
    record RopeFactors(int rotatingPairs) implements Distribution {}

    /** Makes a {@link Symmetric}. */
    static Distribution symmetric(double deviation) {
        return new Symmetric(deviation);
    }

    /** Makes an {@link Around}. */
    static Distribution around(double mean) {
        return new Around(mean);
    }

    /** Makes an {@link EitherSign}. */
    static Distribution eitherSign(double mean) {
        return new EitherSign(mean);
    }

    /** Makes a {@link RopeFactors}. */
    static Distribution ropeFactors(int rotatingPairs) {
        return new RopeFactors(rotatingPairs);
    }
}
