package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.NativeMemory.ALL;
import static io.gemma4j.backend.cpu.vector.NativeMemory.POSITIVE;
import static io.gemma4j.backend.cpu.vector.VectorWidth.FLOATS;
import static io.gemma4j.backend.cpu.vector.VectorWidth.INTS;
import static io.gemma4j.backend.cpu.vector.VectorWidth.LANES;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.gemma4j.backend.cpu.kernel.Int8Kernel;
import io.gemma4j.backend.cpu.kernel.Int8Row;
import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/**
 * {@link Int8Kernel} for Q4_0 on vectors of sixteen lanes, for rows of whole runs of 128: the nibble bytes of four blocks fill a vector. The weights'
 * offset of -8 is applied to the sums of the activations. Of each 128 activations the layout has the pairs (see {@link Int8Pairs}) as ints, even and odd
 * ones that meet low nibbles, even and odd ones that meet high nibbles; then the scales of each 8, already divided by the 2^16 of the products, and twice the
 * sum of each 32, for each of the four lanes of a block, which are a fourth of eight times the sum.
 */
final class Q4_0Int8 implements Int8Kernel {
    private static final int RUN = 128;
    private static final int PAIR = 0x000F000F;
    private static final int RUN_BYTES = 72;
    private static final int GROUP = 8;
    private static final int SCALES = 256;
    private static final int SUMS = SCALES + 16 * Float.BYTES;
    private static final int LAYOUT_BYTES = SUMS + 16 * Float.BYTES;
    // Of the last 64 bytes of a run: the nibbles of all blocks but the first, which begins before them.
    private static final VectorShuffle<Byte> NIBBLES = VectorShuffle.fromOp(ByteVector.SPECIES_512, i -> Math.max(0, i / 16 * 18 + 2 + i % 16 - 8));
    private static final VectorMask<Integer> FIRST_BLOCK = VectorMask.fromLong(INTS, 0xF);
    // Of the first 64 bytes: the scale of a block as the upper half of each of its four lanes.
    private static final VectorShuffle<Byte> BLOCK_SCALES = VectorShuffle.fromOp(ByteVector.SPECIES_512, i -> i / 16 * 18 + (i & 1));
    private static final VectorShuffle<Float> LOW = VectorShuffle.fromOp(FLOATS, lane -> lane / 4 * 4 + (lane >> 1 & 1));
    private static final VectorShuffle<Float> HIGH = VectorShuffle.fromOp(FLOATS, lane -> lane / 4 * 4 + 2 + (lane >> 1 & 1));

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
                long even = at + (four >> 2 & 1) * 128 + (four / 8 * 4 + (four & 3)) * 4;
                to.set(ValueLayout.JAVA_INT, even, (q[i] << 16) + q[i + 2]);
                to.set(ValueLayout.JAVA_INT, even + 64, (q[i + 1] << 16) + q[i + 3]);
            }
            for (int group = 0; group < RUN / GROUP; group++) {
                to.set(ValueLayout.JAVA_FLOAT, at + SCALES + Float.BYTES * group, 0x1p-16f * x.scales()[run * (RUN / GROUP) + group]);
            }
            for (int lane = 0; lane < LANES; lane++) {
                float sum = 0;
                for (int group = 0; group < 4; group++) {
                    sum += x.sums()[run * (RUN / GROUP) + lane / 4 * 4 + group];
                }
                to.set(ValueLayout.JAVA_FLOAT, at + SUMS + Float.BYTES * lane, 2 * sum);
            }
        }
    }

    @Override
    public void dots(MemorySegment bytes, long byteOffset, long rowBytes, int rows, Int8Row x, int columns, float[] out, int outOffset,
            float[] lanes) {
        long address = NativeMemory.rows(GgmlType.Q4_0, bytes, byteOffset, rowBytes, rows, columns);
        int runs = columns / RUN;
        long activations = x.arrangement(this).asSlice(0, (long) runs * LAYOUT_BYTES).address();
        for (int row = 0; row < rows; row++) {
            dot(address + row * rowBytes, activations, runs, lanes, Lanes.slot(row));
            Lanes.sumRows(lanes, row, rows, out, outOffset);
        }
    }

    private static void dot(long address, long activations, int runs, float[] lanes, int at) {
        FloatVector low = FloatVector.zero(FLOATS);
        FloatVector high = low;
        FloatVector offsets = low;
        for (int run = 0; run < runs; run++) {
            long w = address + (long) run * RUN_BYTES & POSITIVE;
            long x = activations + (long) run * LAYOUT_BYTES & POSITIVE;
            // Binary16 to floats: the exponent is 112 too small until multiplied, and infinite where it was the greatest.
            IntVector halves = ByteVector.fromMemorySegment(ByteVector.SPECIES_512, ALL, w, LITTLE_ENDIAN).rearrange(BLOCK_SCALES).reinterpretAsInts();
            FloatVector d = halves.lanewise(ASHR, 3).and(0x8FFFE000).reinterpretAsFloats().mul(0x1p112f).reinterpretAsInts()
                    .lanewise(VectorOperators.OR, 0x7F800000, halves.and(0x7C000000).eq(0x7C000000)).reinterpretAsFloats();
            offsets = d.fma(FloatVector.fromMemorySegment(FLOATS, ALL, x + SUMS, LITTLE_ENDIAN), offsets);
            FloatVector factors = FloatVector.fromMemorySegment(FLOATS, ALL, x + SCALES, LITTLE_ENDIAN);
            IntVector v = ByteVector.fromMemorySegment(ByteVector.SPECIES_512, ALL, w + 8, LITTLE_ENDIAN).rearrange(NIBBLES).reinterpretAsInts()
                    .blend(IntVector.fromMemorySegment(INTS, ALL, w + 2, LITTLE_ENDIAN), FIRST_BLOCK);
            low = ((FloatVector) v.and(PAIR).mul(IntVector.fromMemorySegment(INTS, ALL, x, LITTLE_ENDIAN))
                    .add(v.lanewise(LSHR, 8).and(PAIR).mul(IntVector.fromMemorySegment(INTS, ALL, x + 64, LITTLE_ENDIAN)))
                    .convertShape(I2F, FLOATS, 0)).fma(factors.rearrange(LOW).mul(d), low);
            high = ((FloatVector) v.lanewise(LSHR, 4).and(PAIR).mul(IntVector.fromMemorySegment(INTS, ALL, x + 128, LITTLE_ENDIAN))
                    .add(v.lanewise(LSHR, 12).and(PAIR).mul(IntVector.fromMemorySegment(INTS, ALL, x + 192, LITTLE_ENDIAN)))
                    .convertShape(I2F, FLOATS, 0)).fma(factors.rearrange(HIGH).mul(d), high);
        }
        low.add(high.sub(offsets)).intoArray(lanes, at);
    }
}
