package io.gemma4j.backend;

/**
 * A random rotation of the vectors of heads, which spreads what is large in few elements over all of them: {@code y = H (s x) / sqrt(n)}, {@code s}
 * being signs drawn once and for all and {@code H} the Hadamard matrix of order {@code n}, the largest power of two that divides the head (each run of
 * {@code n} elements is turned by itself). Products of two vectors stay what they were. As in TurboQuant (Zandieh et al., 2025), with the fast
 * Walsh-Hadamard transform in place of a dense matrix. Every backend computes the same bits: the stages go from neighbours to the widest stride, in
 * 32-bit floats, and the factor comes last.
 */
public final class HeadRotation {
    /** What an element's number is hashed with. */
    public static final int FIRST_FACTOR = 0x9E3779B1;

    /** What is multiplied once the upper bits have been shifted into the lower. */
    public static final int SECOND_FACTOR = 0x85EBCA77;

    /** By how many bits. */
    public static final int SHIFT = 15;

    private HeadRotation() {}

    /** Rotates one head, {@code x[offset .. offset + headDim - 1]}, in place. */
    public static void rotate(float[] x, int offset, int headDim) {
        for (int i = 0; i < headDim; i++) {
            x[offset + i] = signed(x[offset + i], i);
        }
        transform(x, offset, headDim);
    }

    /** Takes back {@link #rotate}, but for rounding. */
    public static void restore(float[] x, int offset, int headDim) {
        transform(x, offset, headDim);
        for (int i = 0; i < headDim; i++) {
            x[offset + i] = signed(x[offset + i], i);
        }
    }

    /** Whether element {@code i} of a head changes its sign: the top bit of a hash of 32 bits. */
    public static boolean negative(int i) {
        int hash = i * FIRST_FACTOR;
        hash ^= hash >>> SHIFT;
        return hash * SECOND_FACTOR < 0;
    }

    private static float signed(float x, int i) {
        return negative(i) ? -x : x;
    }

    private static void transform(float[] x, int offset, int headDim) {
        int width = Integer.lowestOneBit(headDim);
        for (int stride = 1; stride < width; stride *= 2) {
            for (int run = offset; run < offset + headDim; run += 2 * stride) {
                for (int i = run; i < run + stride; i++) {
                    float a = x[i];
                    float b = x[i + stride];
                    x[i] = a + b;
                    x[i + stride] = a - b;
                }
            }
        }
        float factor = (float) (1 / Math.sqrt(width));
        for (int i = offset; i < offset + headDim; i++) {
            x[i] *= factor;
        }
    }
}
