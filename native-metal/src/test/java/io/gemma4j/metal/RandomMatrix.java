package io.gemma4j.metal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.BlockFormats;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * A matrix of random blocks.
 *
 * @param bytes as a file has them
 * @param values what they mean {@code [rows][columns]}, by {@link BlockFormats}
 */
record RandomMatrix(GgmlType type, int rows, int columns, byte[] bytes, float[] values) {

    /** The types there are kernels for: all that can be computed with. */
    static Stream<GgmlType> types() {
        return Stream.of(GgmlType.values()).filter(BlockFormats::supports);
    }

    static RandomMatrix of(GgmlType type, int rows, int columns, Random random) {
        byte[] bytes = new byte[Math.toIntExact(rows * type.rowBytes(columns))];
        random.nextBytes(bytes);
        MemorySegment segment = MemorySegment.ofArray(bytes);
        for (int block = 0; block < bytes.length; block += type.blockBytes()) {
            switch (type) {
                case F32 -> segment.set(JAVA_FLOAT_UNALIGNED, block, (float) random.nextGaussian());
                case BF16 -> segment.set(JAVA_SHORT_UNALIGNED, block, (short) (Float.floatToIntBits((float) random.nextGaussian()) >> 16));
                case MXFP4 -> segment.set(JAVA_BYTE, block, (byte) (120 + random.nextInt(8)));
                default -> {
                    for (int at : scales(type)) {
                        segment.set(JAVA_SHORT_UNALIGNED, block + at, Float.floatToFloat16((float) random.nextGaussian() / 64));
                    }
                }
            }
        }
        float[] values = new float[rows * columns];
        BlockFormats.of(type).orElseThrow().dequantize(segment, 0, values, 0, values.length);
        return new RandomMatrix(type, rows, columns, bytes, values);
    }

    /** Where the 16-bit floats of a block are: random bits there would be infinities and NaN. */
    private static List<Integer> scales(GgmlType type) {
        return switch (type) {
            case F16, Q4_0, Q5_0, Q8_0, IQ4_NL, IQ4_XS -> List.of(0);
            case Q4_1, Q5_1, Q4_K, Q5_K -> List.of(0, 2);
            case Q2_K -> List.of(80, 82);
            case Q3_K -> List.of(108);
            case Q6_K -> List.of(208);
            default -> throw new IllegalArgumentException("no scales known of " + type);
        };
    }

    /** The least number of columns that is a whole number of blocks and that kernels take. */
    static int columnUnit(GgmlType type) {
        return Math.max(32, type.blockElements());
    }

    /** {@code sum_k values[row][k] * x[k]}. */
    double product(int row, float[] x, int xOffset) {
        double sum = 0;
        for (int k = 0; k < columns; k++) {
            sum += (double) values[row * columns + k] * x[xOffset + k];
        }
        return sum;
    }
}
