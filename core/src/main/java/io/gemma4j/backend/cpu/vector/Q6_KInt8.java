package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.Lanes.PAIR_BYTES;
import static io.gemma4j.backend.cpu.vector.Lanes.PAIR_SHORTS;
import static io.gemma4j.backend.cpu.vector.NativeMemory.ALL;
import static io.gemma4j.backend.cpu.vector.NativeMemory.POSITIVE;
import static io.gemma4j.backend.cpu.vector.VectorWidth.FLOATS;
import static io.gemma4j.backend.cpu.vector.VectorWidth.INTS;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.B2F;
import static jdk.incubator.vector.VectorOperators.B2S;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.gemma4j.backend.cpu.kernel.Int8Kernel;
import io.gemma4j.backend.cpu.kernel.Int8Row;
import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * {@link Int8Kernel} for Q6_K on vectors of sixteen lanes, which take the 64 nibble bytes of half a block at once. The weights' offset of -32 is applied
 * to the sums of the activations. Expressions are written out: a method of their own would not always be inlined, and then its vectors would be objects.
 */
final class Q6_KInt8 implements Int8Kernel {
    private static final int PAIR = 0x00FF00FF;
    private static final int BLOCK_BYTES = 210;
    // By half of a block: a scale for each run of 16; the upper bits of a half's 128 weights are in the same 32 bytes.
    private static final VectorShuffle<Float>[] LOW = shuffles();
    private static final VectorShuffle<Float>[] HIGH = shuffles();
    private static final VectorShuffle<Integer>[] UPPER_BYTES = shuffles();
    // To bits 4 and 5, to the left of bits 0 to 3 and to the right of bits 4 to 7.
    private static final IntVector LOW_SHIFT = IntVector.broadcast(INTS, 4).blend(2, VectorMask.fromLong(INTS, 0xFF00));
    private static final IntVector HIGH_SHIFT = IntVector.zero(INTS).blend(2, VectorMask.fromLong(INTS, 0xFF00));

    static {
        for (int half = 0; half < 2; half++) {
            LOW[half] = factors(8 * half);
            HIGH[half] = factors(8 * half + 4);
            int first = 8 * half;
            UPPER_BYTES[half] = VectorShuffle.fromOp(INTS, lane -> first + (lane & 7));
        }
    }

    private static VectorShuffle<Float> factors(int first) {
        return VectorShuffle.fromOp(FLOATS, lane -> first + lane / 4);
    }

    @SuppressWarnings({"unchecked", "rawtypes"}) // arrays of generic types can only be made so
    private static <E> VectorShuffle<E>[] shuffles() {
        return new VectorShuffle[2];
    }

    @Override
    public int group() {
        return Int8Pairs.GROUP;
    }

    @Override
    public void arrange(Int8Row x, int columns) {
        Int8Pairs.arrange(this, x, columns, false, -32);
    }

    @Override
    public void dots(MemorySegment bytes, long byteOffset, long rowBytes, int rows, Int8Row x, int columns, float[] out, int outOffset,
            float[] lanes) {
        long address = NativeMemory.rows(GgmlType.Q6_K, bytes, byteOffset, rowBytes, rows, columns);
        int blocks = columns / Int8Pairs.BLOCK;
        long pairs = x.arrangement(this).asSlice(0, (long) blocks * Int8Pairs.BLOCK_BYTES).address();
        for (int row = 0; row < rows; row++) {
            long at = address + row * rowBytes;
            int slot = Lanes.slot(row);
            dot(at, pairs, blocks, lanes, slot);
            Lanes.sumRows(lanes, row, rows, out, outOffset);
        }
    }

    private static void dot(long address, long pairs, int blocks, float[] lanes, int at) {
        FloatVector sum = FloatVector.zero(FLOATS);
        for (int block = 0; block < blocks; block++) {
            // Masked once: what is added is so small that no access needs a check.
            long w = address + (long) block * BLOCK_BYTES & POSITIVE;
            long x = pairs + (long) block * Int8Pairs.BLOCK_BYTES & POSITIVE;
            FloatVector scales = ((FloatVector) ByteVector.fromMemorySegment(ByteVector.SPECIES_128, ALL, w + 192, LITTLE_ENDIAN)
                    .convertShape(B2F, FLOATS, 0)).mul(NativeMemory.f16(w + 208));
            sum = scales.fma(FloatVector.fromMemorySegment(FLOATS, ALL, x + Int8Pairs.SUMS_OFFSET, LITTLE_ENDIAN), sum);
            FloatVector factors = scales.mul(FloatVector.fromMemorySegment(FLOATS, ALL, x + Int8Pairs.SCALES_OFFSET, LITTLE_ENDIAN));
            IntVector allUpper = IntVector.fromMemorySegment(INTS, ALL, w + 128, LITTLE_ENDIAN);
            for (int half = 0; half < 2; half++) {
                IntVector v = IntVector.fromMemorySegment(INTS, ALL, w + 64 * half, LITTLE_ENDIAN);
                IntVector upper = allUpper.rearrange(UPPER_BYTES[half]);
                IntVector q = v.and(0x0F0F0F0F).or(upper.lanewise(LSHL, LOW_SHIFT).and(0x30303030));
                sum = ((FloatVector) q.and(PAIR)
                        .mul(IntVector.fromMemorySegment(INTS, ALL, x + 256 * half, LITTLE_ENDIAN))
                        .add(q.lanewise(LSHR, 8).and(PAIR)
                                .mul(IntVector.fromMemorySegment(INTS, ALL, x + 256 * half + 64, LITTLE_ENDIAN)))
                        .convertShape(I2F, FLOATS, 0)).fma(factors.rearrange(LOW[half]), sum);
                q = v.lanewise(LSHR, 4).and(0x0F0F0F0F).or(upper.lanewise(LSHR, HIGH_SHIFT).and(0x30303030));
                sum = ((FloatVector) q.and(PAIR)
                        .mul(IntVector.fromMemorySegment(INTS, ALL, x + 256 * half + 128, LITTLE_ENDIAN))
                        .add(q.lanewise(LSHR, 8).and(PAIR)
                                .mul(IntVector.fromMemorySegment(INTS, ALL, x + 256 * half + 192, LITTLE_ENDIAN)))
                        .convertShape(I2F, FLOATS, 0)).fma(factors.rearrange(HIGH[half]), sum);
            }
        }
        sum.intoArray(lanes, at);
    }
}
