package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.NativeMemory.ALL;
import static io.gemma4j.backend.cpu.vector.NativeMemory.POSITIVE;
import static io.gemma4j.backend.cpu.vector.VectorWidth.FLOATS;
import static io.gemma4j.backend.cpu.vector.VectorWidth.INTS;
import static io.gemma4j.backend.cpu.vector.VectorWidth.LANES;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.gemma4j.backend.cpu.kernel.Int8Kernel;
import io.gemma4j.backend.cpu.kernel.Int8Row;
import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/**
 * {@link Int8Kernel} for Q4_0 on vectors of sixteen lanes, for rows of whole runs of 128: the nibble bytes of four blocks fill a vector. Products are of
 * 16 bits, in which the sum of the four of a lane is exact: at most 4 * 15 * 127. The weights' offset of -8 is applied to the sums of the activations.
 *
 * <p>Of each 128 activations the layout has, widened to 16 bits, the even and the odd ones that meet low nibbles and those that meet high nibbles; then the
 * scale of each lane of the low and of the high ones, divided by the 2^16 of the sums; then, for each of the four lanes of a block, minus twice the sum
 * of its 32, which is a fourth of -8 times the sum.
 */
final class Q4_0Int8 implements Int8Kernel {
    private static final int RUN = 128;
    private static final int PAIR = 0x000F000F;
    private static final int UPPER_HALF = 0xFFFF0000;
    private static final int RUN_BYTES = 72;
    private static final int GROUP = 8;
    private static final int HIGH = 128;
    private static final int SCALES = 256;
    private static final int HIGH_SCALES = SCALES + 16 * Float.BYTES;
    private static final int SUMS = HIGH_SCALES + 16 * Float.BYTES;
    private static final int LAYOUT_BYTES = SUMS + 16 * Float.BYTES;
    // Of the last 64 bytes of a run: the nibbles of all blocks but the first, which begins before them.
    private static final VectorShuffle<Byte> NIBBLES = VectorShuffle.fromOp(ByteVector.SPECIES_512, i -> Math.max(0, i / 16 * 18 + 2 + i % 16 - 8));
    private static final VectorMask<Integer> FIRST_BLOCK = VectorMask.fromLong(INTS, 0xF);
    // Of the first 64 bytes: the scale of a block as the upper half of each of its four lanes.
    private static final VectorShuffle<Byte> BLOCK_SCALES = VectorShuffle.fromOp(ByteVector.SPECIES_512, i -> i / 16 * 18 + (i & 1));

    @Override
    public int group() {
        return GROUP;
    }

    @Override
    public boolean takes(int columns) {
        return columns % RUN == 0;
    }

    @Override
    public void arrange(Int8Row x, int columns) {
        int runs = columns / RUN;
        MemorySegment to = x.arrangeFor(this, (long) runs * LAYOUT_BYTES);
        byte[] q = x.quants();
        for (int run = 0; run < runs; run++) {
            long at = (long) run * LAYOUT_BYTES;
            for (int four = 0; four < RUN / 4; four++) {
                int i = run * RUN + 4 * four;
                long even = at + (four >> 2 & 1) * HIGH + (four / 8 * 4 + (four & 3)) * 4;
                to.set(ValueLayout.JAVA_INT, even, q[i] & 0xFFFF | q[i + 2] << 16);
                to.set(ValueLayout.JAVA_INT, even + 64, q[i + 1] & 0xFFFF | q[i + 3] << 16);
            }
            for (int lane = 0; lane < LANES; lane++) {
                int firstGroup = run * (RUN / GROUP) + lane / 4 * 4;
                int group = firstGroup + (lane >> 1 & 1);
                float sum = 0;
                for (int i = 0; i < 4; i++) {
                    sum += x.sums()[firstGroup + i];
                }
                long laneAt = at + Float.BYTES * lane;
                to.set(ValueLayout.JAVA_FLOAT, laneAt + SCALES, 0x1p-16f * x.scales()[group]);
                to.set(ValueLayout.JAVA_FLOAT, laneAt + HIGH_SCALES, 0x1p-16f * x.scales()[group + 2]);
                to.set(ValueLayout.JAVA_FLOAT, laneAt + SUMS, -2 * sum);
            }
        }
    }

    @Override
    public void dots(MemorySegment bytes, long byteOffset, long rowBytes, int rows, Int8Row x, int columns, float[] out, int outOffset,
            float[] lanes) {
        long address = NativeMemory.rows(GgmlType.Q4_0, bytes, byteOffset, rowBytes, rows, columns);
        int runs = columns / RUN;
        long activations = x.arrangement(this).asSlice(0, (long) runs * LAYOUT_BYTES).address();
        long last = address + rows * rowBytes - Long.BYTES;
        long ahead = 0;
        for (int row = 0; row < rows; row++) {
            long at = address + row * rowBytes;
            ahead ^= NativeMemory.pagesAhead(at, rowBytes, last);
            ahead ^= dot(at, activations, runs, last, lanes, Lanes.slot(row));
            Lanes.sumRows(lanes, row, rows, out, outOffset);
        }
        NativeMemory.keep(ahead, out, outOffset, rows);
    }

    private static long dot(long address, long activations, int runs, long last, float[] lanes, int at) {
        FloatVector sum = FloatVector.zero(FLOATS);
        long ahead = 0;
        for (int run = 0; run < runs; run++) {
            long w = address + (long) run * RUN_BYTES & POSITIVE;
            long x = activations + (long) run * LAYOUT_BYTES & POSITIVE;
            ahead ^= NativeMemory.ahead(w, last);
            // Binary16 to floats: the exponent is 112 too small until multiplied, and infinite where it was the greatest.
            IntVector halves = ByteVector.fromMemorySegment(ByteVector.SPECIES_512, ALL, w, LITTLE_ENDIAN).rearrange(BLOCK_SCALES).reinterpretAsInts();
            FloatVector d = halves.lanewise(ASHR, 3).and(0x8FFFE000).reinterpretAsFloats().mul(0x1p112f).reinterpretAsInts()
                    .lanewise(VectorOperators.OR, 0x7F800000, halves.and(0x7C000000).eq(0x7C000000)).reinterpretAsFloats();
            IntVector v = ByteVector.fromMemorySegment(ByteVector.SPECIES_512, ALL, w + 8, LITTLE_ENDIAN).rearrange(NIBBLES).reinterpretAsInts()
                    .blend(IntVector.fromMemorySegment(INTS, ALL, w + 2, LITTLE_ENDIAN), FIRST_BLOCK);
            IntVector low = v.and(PAIR).reinterpretAsShorts()
                    .mul(ShortVector.fromMemorySegment(ShortVector.SPECIES_512, ALL, x, LITTLE_ENDIAN))
                    .add(v.lanewise(LSHR, 8).and(PAIR).reinterpretAsShorts()
                            .mul(ShortVector.fromMemorySegment(ShortVector.SPECIES_512, ALL, x + 64, LITTLE_ENDIAN)))
                    .reinterpretAsInts();
            IntVector high = v.lanewise(LSHR, 4).and(PAIR).reinterpretAsShorts()
                    .mul(ShortVector.fromMemorySegment(ShortVector.SPECIES_512, ALL, x + HIGH, LITTLE_ENDIAN))
                    .add(v.lanewise(LSHR, 12).and(PAIR).reinterpretAsShorts()
                            .mul(ShortVector.fromMemorySegment(ShortVector.SPECIES_512, ALL, x + HIGH + 64, LITTLE_ENDIAN)))
                    .reinterpretAsInts();
            // The upper half of each lane plus its lower half, left where it is: times 2^16.
            FloatVector products = ((FloatVector) low.add(low.lanewise(LSHL, 16)).and(UPPER_HALF).convertShape(I2F, FLOATS, 0))
                    .fma(FloatVector.fromMemorySegment(FLOATS, ALL, x + SCALES, LITTLE_ENDIAN),
                            FloatVector.fromMemorySegment(FLOATS, ALL, x + SUMS, LITTLE_ENDIAN));
            products = ((FloatVector) high.add(high.lanewise(LSHL, 16)).and(UPPER_HALF).convertShape(I2F, FLOATS, 0))
                    .fma(FloatVector.fromMemorySegment(FLOATS, ALL, x + HIGH_SCALES, LITTLE_ENDIAN), products);
            sum = products.fma(d, sum);
        }
        sum.intoArray(lanes, at);
        return ahead;
    }
}
