package io.gemma4j.backend.cpu.kernel;

import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.BlockFormats;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * What an {@link Int8Kernel} has to compute: the product, in double precision, of one row's dequantized weights with the rounded activations, and how
 * far from it a kernel may be.
 *
 * <p>Of the weights {@code w0..w3} and activations {@code q0..q3} of one int a kernel sums {@code ((w0 + (w2 << 16)) ((q0 << 16) + q2) + (w1 + (w3
 * << 16)) ((q1 << 16) + q3)) mod 2^32}, which is {@code 2^16 (w0 q0 + w1 q1 + w2 q2 + w3 q3) + w0 q2 + w1 q3}. The last two terms are the error: in
 * units of the weights it is at most {@code wmax (|q2| + |q3|) / 2^16}, less than one since no weight has more than 8 bits. Then come the roundings of
 * single precision sums, whose terms are the products of unsigned weights, at most {@code range |x|}, and of the offsets, at most
 * {@code (range + |w|) |x|}; {@code range} is the difference between the greatest and the least weight of that scale.
 *
 * @param value the product
 * @param dropped the most that the packed products may differ by
 * @param magnitude {@code sum (|w| + 2 range) |x|}
 * @param weightMagnitude {@code sum |w| |x|}
 */
public record RoundedProduct(double value, double dropped, double magnitude, double weightMagnitude) {
    /** Relative to {@code magnitude}: single precision sums of up to tens of thousands, split among at least four lanes. */
    private static final double ROUNDING = 5e-7;

    private static final byte[] EXTREME_QUANTS = {0, -1, Byte.MAX_VALUE, Byte.MIN_VALUE};

    /** How far a kernel may be from {@code value}. */
    public double bound() {
        return dropped + ROUNDING * magnitude;
    }

    /** The product of the row in {@code bytes} with {@code x}, which was rounded in groups of {@code group}. */
    public static RoundedProduct of(GgmlType type, byte[] bytes, Int8Row x, int group) {
        int columns = bytes.length / type.blockBytes() * type.blockElements();
        float[] weights = values(type, bytes, columns);
        float[] ranges = ranges(type, bytes, columns);
        byte[] q = x.quants();
        double value = 0;
        double dropped = 0;
        double magnitude = 0;
        double weightMagnitude = 0;
        for (int i = 0; i < columns; i++) {
            double scale = x.scales()[i / group];
            double activation = scale * q[i];
            value += weights[i] * activation;
            weightMagnitude += Math.abs(weights[i] * activation);
            magnitude += (Math.abs(weights[i]) + 2 * ranges[i]) * Math.abs(activation);
            dropped += (i & 2) == 0 ? 0 : 0x1p-16 * ranges[i] * Math.abs(activation);
        }
        return new RoundedProduct(value, dropped, magnitude, weightMagnitude);
    }

    private static float[] values(GgmlType type, byte[] bytes, int columns) {
        float[] values = new float[columns];
        BlockFormats.of(type).orElseThrow().dequantize(MemorySegment.ofArray(bytes), 0, values, 0, columns);
        return values;
    }

    // By decoding the same scales with extreme quants.
    private static float[] ranges(GgmlType type, byte[] bytes, int columns) {
        float[] least = new float[columns];
        float[] greatest = new float[columns];
        Arrays.fill(least, Float.POSITIVE_INFINITY);
        Arrays.fill(greatest, Float.NEGATIVE_INFINITY);
        int[] quantBytes = quantBytes(type);
        for (byte extreme : EXTREME_QUANTS) {
            byte[] changed = bytes.clone();
            for (int block = 0; block < bytes.length; block += type.blockBytes()) {
                Arrays.fill(changed, block + quantBytes[0], block + quantBytes[1], extreme);
            }
            float[] values = values(type, changed, columns);
            for (int i = 0; i < columns; i++) {
                least[i] = Math.min(least[i], values[i]);
                greatest[i] = Math.max(greatest[i], values[i]);
            }
        }
        for (int i = 0; i < columns; i++) {
            greatest[i] -= least[i];
        }
        return greatest;
    }

    /** First and last (exclusive) of a block's bytes that hold no scale. */
    private static int[] quantBytes(GgmlType type) {
        return switch (type) {
            case Q4_0, Q5_0, Q8_0, IQ4_NL -> new int[] {2, type.blockBytes()};
            case Q4_1, Q5_1 -> new int[] {4, type.blockBytes()};
            case Q4_K, Q5_K -> new int[] {16, type.blockBytes()};
            case Q2_K -> new int[] {16, 80};
            case Q3_K -> new int[] {0, 96};
            case Q6_K -> new int[] {0, 192};
            default -> throw new IllegalArgumentException("where are the scales of " + type + "?");
        };
    }
}
