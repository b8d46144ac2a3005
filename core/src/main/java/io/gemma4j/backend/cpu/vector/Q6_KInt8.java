package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.Lanes.PAIR_BYTES;
import static io.gemma4j.backend.cpu.vector.Lanes.PAIR_SHORTS;
import static io.gemma4j.backend.cpu.vector.NativeMemory.ALL;
import static io.gemma4j.backend.cpu.vector.NativeMemory.POSITIVE;
import static io.gemma4j.backend.cpu.vector.NativeMemory.f16;
import static io.gemma4j.backend.cpu.vector.VectorWidth.FLOATS;
import static io.gemma4j.backend.cpu.vector.VectorWidth.INTS;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.gemma4j.backend.cpu.kernel.Int8Kernel;
import io.gemma4j.backend.cpu.kernel.Int8Row;
import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/**
 * {@link Int8Kernel} for Q6_K on vectors of sixteen lanes, which take the 64 nibble bytes of half a block at once. The weights' offset of -32 is applied
 * to the sums of the activations.
 */
final class Q6_KInt8 implements Int8Kernel {
    private static final int PAIR = 0x00FF00FF;
    private static final float PRODUCT_UNIT = 0x1p-16f;
    // By quarter of a block; the upper bits of both halves' nibbles are in the same 32 bytes.
    private static final VectorShuffle<Integer>[] UPPER_BYTES = shuffles();
    private static final VectorShuffle<Float>[] SCALE = shuffles();
    private static final IntVector[] UPPER_SHIFT = new IntVector[4];

    static {
        for (int quarter = 0; quarter < 4; quarter++) {
            int half = quarter >> 1;
            int high = quarter & 1;
            int first = 4 * quarter;
            UPPER_BYTES[quarter] = VectorShuffle.fromOp(INTS, i -> 8 * half + (i & 7));
            SCALE[quarter] = VectorShuffle.fromOp(FLOATS, i -> first + i / 4);
            UPPER_SHIFT[quarter] = IntVector.broadcast(INTS, 4 * high).blend(4 * high + 2, VectorMask.fromLong(INTS, 0xFF00));
        }
    }

    @Override
    public void dots(MemorySegment bytes, long byteOffset, long rowBytes, int rows, Int8Row x, int columns, float[] out, int outOffset) {
        long address = NativeMemory.rows(GgmlType.Q6_K, bytes, byteOffset, rowBytes, rows, columns);
        for (int row = 0; row < rows; row++) {
            out[outOffset + row] = dot(address + row * rowBytes, x, columns);
        }
    }

    private static float dot(long address, Int8Row x, int columns) {
        byte[] even = x.even();
        byte[] odd = x.odd();
        FloatVector sum = FloatVector.zero(FLOATS);
        FloatVector offsets = sum;
        long block = address;
        for (int at = 0; at < columns / 4; at += 64) {
            FloatVector scales = ((FloatVector) ByteVector.fromMemorySegment(ByteVector.SPECIES_128, ALL, block + 192 & POSITIVE, LITTLE_ENDIAN)
                    .convertShape(VectorOperators.B2I, INTS, 0).reinterpretAsInts().convert(VectorOperators.I2F, 0)).mul(f16(block + 208));
            offsets = scales.fma(FloatVector.fromArray(FLOATS, x.halfSums(), at / 4), offsets);
            FloatVector factors = scales.mul(FloatVector.fromArray(FLOATS, x.halfScales(), at / 4));
            IntVector allUpper = IntVector.fromMemorySegment(INTS, ALL, block + 128 & POSITIVE, LITTLE_ENDIAN);
            for (int quarter = 0; quarter < 4; quarter++) {
                // Written out: a method of its own would not always be inlined, and then its vectors would be objects.
                IntVector upper = allUpper.rearrange(UPPER_BYTES[quarter]).lanewise(VectorOperators.LSHR, UPPER_SHIFT[quarter]);
                IntVector q = IntVector.fromMemorySegment(INTS, ALL, block + 64 * (quarter >> 1) & POSITIVE, LITTLE_ENDIAN)
                        .lanewise(VectorOperators.LSHR, 4 * (quarter & 1)).and(0x0F0F0F0F)
                        .or(upper.and(0x03030303).lanewise(VectorOperators.LSHL, 4));
                int pair = 2 * (at + 16 * quarter);
                IntVector products = q.and(PAIR)
                        .mul(ByteVector.fromArray(PAIR_BYTES, even, pair).convertShape(VectorOperators.B2S, PAIR_SHORTS, 0).reinterpretAsInts())
                        .add(q.lanewise(VectorOperators.LSHR, 8).and(PAIR)
                                .mul(ByteVector.fromArray(PAIR_BYTES, odd, pair).convertShape(VectorOperators.B2S, PAIR_SHORTS, 0).reinterpretAsInts()));
                sum = ((FloatVector) products.convert(VectorOperators.I2F, 0)).fma(factors.rearrange(SCALE[quarter]), sum);
            }
            block += 210;
        }
        return sum.mul(PRODUCT_UNIT).sub(offsets.mul(32)).reduceLanes(VectorOperators.ADD);
    }

    @SuppressWarnings({"unchecked", "rawtypes"}) // arrays of generic types can only be made so
    private static <E> VectorShuffle<E>[] shuffles() {
        return new VectorShuffle[4];
    }
}
