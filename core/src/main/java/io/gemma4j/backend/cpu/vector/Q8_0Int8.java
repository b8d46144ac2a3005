package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.Lanes.PAIR_BYTES;
import static io.gemma4j.backend.cpu.vector.Lanes.PAIR_SHORTS;
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
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShuffle;

/**
 * {@link Int8Kernel} for Q8_0 on vectors of sixteen lanes. Both factors are widened to 16 bits, in which a product and the sum of two are exact: at most
 * 2 * 127 * 128. Of each 32 activations the layout has the widened values and then, for each two, their scale.
 */
final class Q8_0Int8 implements Int8Kernel {
    private static final int BLOCK = 32;
    private static final int BLOCK_BYTES = 34;
    private static final int GROUP = 4;
    private static final int SCALES = BLOCK * Short.BYTES;
    private static final int LAYOUT_BYTES = SCALES + BLOCK / 2 * Float.BYTES;
    private static final VectorShuffle<Float> TWICE = VectorShuffle.fromOp(FLOATS, lane -> lane / 2);

    @Override
    public int group() {
        return GROUP;
    }

    @Override
    public void arrange(Int8Row x, int columns) {
        MemorySegment to = x.arrangeFor(this, columns / BLOCK * (long) LAYOUT_BYTES);
        for (int i = 0; i < columns; i += BLOCK) {
            long at = i / BLOCK * (long) LAYOUT_BYTES;
            ((ShortVector) ByteVector.fromArray(PAIR_BYTES, x.quants(), i).convertShape(B2S, PAIR_SHORTS, 0)).intoMemorySegment(to, at, LITTLE_ENDIAN);
            FloatVector.fromArray(FLOATS, x.scales(), i / GROUP).rearrange(TWICE).intoMemorySegment(to, at + SCALES, LITTLE_ENDIAN);
        }
    }

    @Override
    public void dots(MemorySegment bytes, long byteOffset, long rowBytes, int rows, Int8Row x, int columns, float[] out, int outOffset,
            float[] lanes) {
        long address = NativeMemory.rows(GgmlType.Q8_0, bytes, byteOffset, rowBytes, rows, columns);
        int blocks = columns / BLOCK;
        long activations = x.arrangement(this).asSlice(0, blocks * (long) LAYOUT_BYTES).address();
        long last = address + rows * rowBytes - Long.BYTES;
        long ahead = 0;
        for (int row = 0; row < rows; row++) {
            long at = address + row * rowBytes;
            ahead ^= NativeMemory.pagesAhead(at, rowBytes, last);
            ahead ^= dot(at, activations, blocks, last, lanes, Lanes.slot(row));
            Lanes.sumRows(lanes, row, rows, out, outOffset);
        }
        NativeMemory.keep(ahead, out, outOffset, rows);
    }

    private static long dot(long address, long activations, int blocks, long last, float[] lanes, int at) {
        FloatVector sum = FloatVector.zero(FLOATS);
        long ahead = 0;
        for (int block = 0; block < blocks; block++) {
            long w = address + block * (long) BLOCK_BYTES & POSITIVE;
            long x = activations + block * (long) LAYOUT_BYTES & POSITIVE;
            ahead ^= NativeMemory.ahead(w, last);
            IntVector products = ((ShortVector) ByteVector.fromMemorySegment(PAIR_BYTES, ALL, w + 2, LITTLE_ENDIAN).convertShape(B2S, PAIR_SHORTS, 0))
                    .mul(ShortVector.fromMemorySegment(PAIR_SHORTS, ALL, x, LITTLE_ENDIAN))
                    .reinterpretAsInts();
            // The upper half of each lane plus its lower half.
            IntVector sums = products.add(products.lanewise(LSHL, 16)).lanewise(ASHR, 16);
            sum = ((FloatVector) sums.convertShape(I2F, FLOATS, 0))
                    .fma(FloatVector.broadcast(FLOATS, NativeMemory.f16(w)).mul(FloatVector.fromMemorySegment(FLOATS, ALL, x + SCALES, LITTLE_ENDIAN)), sum);
        }
        sum.intoArray(lanes, at);
        return ahead;
    }
}
