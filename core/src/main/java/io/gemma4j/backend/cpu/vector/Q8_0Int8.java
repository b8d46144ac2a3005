package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.NativeMemory.ALL;
import static io.gemma4j.backend.cpu.vector.NativeMemory.POSITIVE;
import static io.gemma4j.backend.cpu.vector.VectorWidth.FLOATS;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.B2S;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;

import io.gemma4j.backend.cpu.kernel.Int8Kernel;
import io.gemma4j.backend.cpu.kernel.Int8Row;
import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShuffle;

/**
 * {@link Int8Kernel} for Q8_0 on vectors of sixteen lanes. Both factors are widened to 16 bits, in which a product and the sum of two are exact: at most
 * 2 * 127 * 128. Of each 64 activations the layout has the bytes and then the scales of each 4.
 */
final class Q8_0Int8 implements Int8Kernel {
    private static final int BLOCK_BYTES = 34;
    private static final int GROUP = 4;
    private static final int RUN = 64;
    private static final int SCALES = RUN;
    private static final int LAYOUT_BYTES = SCALES + RUN / GROUP * Float.BYTES;

    // By block of a run: the scales of its eight groups, each for two lanes.
    private static final VectorShuffle<Float>[] FACTORS = factors();

    @SuppressWarnings({"unchecked", "rawtypes"}) // arrays of generic types can only be made so
    private static VectorShuffle<Float>[] factors() {
        VectorShuffle<Float>[] factors = new VectorShuffle[RUN / 32];
        for (int block = 0; block < factors.length; block++) {
            int first = 8 * block;
            factors[block] = VectorShuffle.fromOp(FLOATS, lane -> first + lane / 2);
        }
        return factors;
    }

    @Override
    public int group() {
        return GROUP;
    }

    @Override
    public void arrange(Int8Row x, int columns) {
        int runs = Math.ceilDiv(columns, RUN);
        MemorySegment to = x.arrangeFor(this, (long) runs * LAYOUT_BYTES);
        for (int run = 0; run < runs; run++) {
            MemorySegment.copy(x.quants(), run * RUN, to, ValueLayout.JAVA_BYTE, (long) run * LAYOUT_BYTES, RUN);
            MemorySegment.copy(x.scales(), run * (RUN / GROUP), to, ValueLayout.JAVA_FLOAT, (long) run * LAYOUT_BYTES + SCALES, RUN / GROUP);
        }
    }

    @Override
    public void dots(MemorySegment bytes, long byteOffset, long rowBytes, int rows, Int8Row x, int columns, float[] out, int outOffset,
            float[] lanes) {
        long address = NativeMemory.rows(GgmlType.Q8_0, bytes, byteOffset, rowBytes, rows, columns);
        long activations = x.arrangement(this).asSlice(0, (long) Math.ceilDiv(columns, RUN) * LAYOUT_BYTES).address();
        for (int row = 0; row < rows; row++) {
            dot(address + row * rowBytes, activations, columns, lanes, Lanes.slot(row));
            Lanes.sumRows(lanes, row, rows, out, outOffset);
        }
    }

    private static void dot(long address, long activations, int columns, float[] lanes, int at) {
        FloatVector sum = FloatVector.zero(FLOATS);
        for (int first = 0; first < columns; first += RUN) {
            long w = address + first / 32 * (long) BLOCK_BYTES & POSITIVE;
            long x = activations + first / RUN * (long) LAYOUT_BYTES & POSITIVE;
            FloatVector scales = FloatVector.fromMemorySegment(FLOATS, ALL, x + SCALES, LITTLE_ENDIAN);
            int blocks = Math.min(RUN, columns - first) / 32;
            for (int block = 0; block < blocks; block++) {
                IntVector products = ((ShortVector) ByteVector
                        .fromMemorySegment(ByteVector.SPECIES_256, ALL, w + BLOCK_BYTES * block + 2, LITTLE_ENDIAN)
                        .convertShape(B2S, ShortVector.SPECIES_512, 0))
                        .mul((ShortVector) ByteVector.fromMemorySegment(ByteVector.SPECIES_256, ALL, x + 32 * block, LITTLE_ENDIAN)
                                .convertShape(B2S, ShortVector.SPECIES_512, 0))
                        .reinterpretAsInts();
                // The upper half of each lane plus its lower half.
                IntVector sums = products.add(products.lanewise(LSHL, 16)).lanewise(ASHR, 16);
                sum = ((FloatVector) sums.convertShape(I2F, FLOATS, 0))
                        .fma(scales.rearrange(FACTORS[block]).mul(NativeMemory.f16(w + BLOCK_BYTES * block)), sum);
            }
        }
        sum.intoArray(lanes, at);
    }
}
