package io.gemma4j.cuda;

import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.BlockFormats;
import io.gemma4j.tensor.QuantizedTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;

/** Tensors with random bits, but for the scales of their blocks, which are made small numbers. */
final class RandomTensors {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    // Where the 16-bit floats of a block are, in bytes from its start.
    private static final Map<GgmlType, List<Integer>> SCALES = Map.ofEntries(Map.entry(GgmlType.Q4_0, List.of(0)),
            Map.entry(GgmlType.Q4_1, List.of(0, 2)), Map.entry(GgmlType.Q5_0, List.of(0)), Map.entry(GgmlType.Q5_1, List.of(0, 2)),
            Map.entry(GgmlType.Q8_0, List.of(0)), Map.entry(GgmlType.IQ4_NL, List.of(0)), Map.entry(GgmlType.Q2_K, List.of(80, 82)),
            Map.entry(GgmlType.Q3_K, List.of(108)), Map.entry(GgmlType.Q4_K, List.of(0, 2)), Map.entry(GgmlType.Q5_K, List.of(0, 2)),
            Map.entry(GgmlType.Q6_K, List.of(208)), Map.entry(GgmlType.IQ4_XS, List.of(0)), Map.entry(GgmlType.F16, List.of(0)));

    private RandomTensors() {}

    /** The types that can be computed with. */
    static Stream<GgmlType> types() {
        return Stream.of(GgmlType.values()).filter(BlockFormats::supports);
    }

    static QuantizedTensor of(GgmlType type, long rows, int columns, Random random) {
        byte[] bytes = new byte[Math.toIntExact(rows * type.rowBytes(columns))];
        random.nextBytes(bytes);
        MemorySegment segment = MemorySegment.ofArray(bytes);
        for (int block = 0; block < bytes.length; block += type.blockBytes()) {
            switch (type) {
                case F32 -> segment.set(ValueLayout.JAVA_INT_UNALIGNED, block, Float.floatToIntBits((float) random.nextGaussian()));
                case BF16 -> segment.set(SHORT, block, (short) (Float.floatToIntBits((float) random.nextGaussian()) >> 16));
                case MXFP4 -> segment.set(ValueLayout.JAVA_BYTE, block, (byte) (120 + random.nextInt(8)));
                default -> {
                    for (int at : SCALES.get(type)) {
                        segment.set(SHORT, block + at, Float.floatToFloat16((float) random.nextGaussian() / 64));
                    }
                }
            }
        }
        return QuantizedTensor.of("random", type, rows, columns, segment);
    }

    /** Floats as a tensor. */
    static QuantizedTensor of(float[][] values) {
        int columns = values[0].length;
        MemorySegment segment = MemorySegment.ofArray(new byte[values.length * columns * Float.BYTES]);
        for (int row = 0; row < values.length; row++) {
            MemorySegment.copy(values[row], 0, segment, ValueLayout.JAVA_FLOAT_UNALIGNED, (long) row * columns * Float.BYTES, columns);
        }
        return QuantizedTensor.of("floats", GgmlType.F32, values.length, columns, segment);
    }

    static float[][] gaussians(int rows, int columns, Random random) {
        float[][] values = new float[rows][columns];
        for (float[] row : values) {
            for (int i = 0; i < columns; i++) {
                row[i] = (float) random.nextGaussian();
            }
        }
        return values;
    }
}
