package io.gemma4j.backend.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The one vector width of this JVM: the widest the processor prefers, at most 512 bits, or the one that the diagnostic system property
 * {@value #PROPERTY} names (128, 256 or 512; any other value fails the first use with {@link IllegalArgumentException}). Every width gives
 * right results; one the processor lacks is slow. Constant, so that the compiler drops the code of the other widths.
 */
public final class VectorWidth {
    /** System property that forces a width in bits. */
    public static final String PROPERTY = "gemma4j.vectorBits";

    /** The width in bits. */
    public static final int BITS = bits(System.getProperty(PROPERTY));

    /** Vectors of floats. */
    public static final VectorSpecies<Float> FLOATS = VectorShape.forBitSize(BITS).withLanes(float.class);

    /** Vectors of as many ints. */
    public static final VectorSpecies<Integer> INTS = VectorShape.forBitSize(BITS).withLanes(int.class);

    /** Floats of one vector: 4, 8 or 16. */
    public static final int LANES = BITS / Float.SIZE;

    private VectorWidth() {}

    static int bits(String forced) {
        if (forced == null) {
            return Math.clamp(FloatVector.SPECIES_PREFERRED.vectorBitSize(), 128, 512);
        }
        return switch (forced) {
            case "128" -> 128;
            case "256" -> 256;
            case "512" -> 512;
            default -> throw new IllegalArgumentException("system property " + PROPERTY + ": expected 128, 256 or 512, found '" + forced + "'");
        };
    }
}
