package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.Lanes.PAIR_BYTES;
import static io.gemma4j.backend.cpu.vector.Lanes.PAIR_SHORTS;
import static io.gemma4j.backend.cpu.vector.Lanes.splat;
import static io.gemma4j.backend.cpu.vector.Lanes.toFloats;
import static io.gemma4j.backend.cpu.vector.NativeMemory.ALL;
import static io.gemma4j.backend.cpu.vector.NativeMemory.POSITIVE;
import static io.gemma4j.backend.cpu.vector.NativeMemory.f16;
import static io.gemma4j.backend.cpu.vector.NativeMemory.ints;
import static io.gemma4j.backend.cpu.vector.NativeMemory.i64;
import static io.gemma4j.backend.cpu.vector.VectorWidth.FLOATS;
import static io.gemma4j.backend.cpu.vector.VectorWidth.INTS;
import static io.gemma4j.backend.cpu.vector.VectorWidth.LANES;
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

/** {@link Int8Kernel} for Q6_K. The weights' offset of -32 is applied to the sums of the activations. */
final class Q6_KInt8 implements Int8Kernel {
    private static final int PAIR = 0x00FF00FF;
    private static final float PRODUCT_UNIT = 0x1p-16f;
    /** Runs of 16 elements, which share a scale, in a vector of four or eight lanes. */
    private static final int PIECES = LANES / 4;
    private static final VectorMask<Float> SECOND_PIECE = VectorMask.fromLong(FLOATS, 0xF0);

    @Override
    public void dots(MemorySegment bytes, long byteOffset, long rowBytes, int rows, Int8Row x, int columns, float[] out, int outOffset) {
        long address = NativeMemory.rows(GgmlType.Q6_K, bytes, byteOffset, rowBytes, rows, columns);
        for (int row = 0; row < rows; row++) {
            out[outOffset + row] = LANES == 16 ? Wide.dot(address + row * rowBytes, x, columns) : narrow(address + row * rowBytes, x, columns);
        }
    }

    private static float narrow(long address, Int8Row x, int columns) {
        byte[] even = x.even();
        byte[] odd = x.odd();
        FloatVector low = Lanes.zero();
        FloatVector high = low;
        float offsets = 0;
        long block = address;
        for (int at = 0; at < columns; at += 256) {
            float d = f16(block + 208);
            // Eight pieces of 16 bytes of nibbles; the low ones belong to an earlier quarter of the half than the high ones.
            for (int p = 0; p < 8; p += PIECES) {
                int half = p >> 2;
                int quarter = p >> 1 & 1;
                long scales = i64(block + 192 + 8 * half) >>> 8 * (p & 3);
                int first = at / 16 + 8 * half + (p & 3);
                offsets += offset(d, scales, x.halfSums(), first) + offset(d, scales >>> 32, x.halfSums(), first + 4);
                IntVector v = ints(block + 16 * p);
                IntVector upper = ints(block + 128 + 32 * half + 16 * (p & 1)).lanewise(VectorOperators.LSHR, 2 * quarter);
                low = toFloats(products(lowSix(v, upper), even, odd, 4 * first)).fma(factors(d, scales, x.halfScales(), first), low);
                high = toFloats(products(highSix(v, upper), even, odd, 4 * first + 16))
                        .fma(factors(d, scales >>> 32, x.halfScales(), first + 4), high);
            }
            block += 210;
        }
        return Lanes.sum(low, high) * PRODUCT_UNIT - 32 * offsets;
    }

    // The scales of the pieces, each in its four lanes.
    private static FloatVector factors(float d, long scales, float[] halfScales, int first) {
        FloatVector factor = splat(d * (byte) scales * halfScales[first]);
        return PIECES == 1 ? factor : factor.blend(d * (byte) (scales >>> 8) * halfScales[first + 1], SECOND_PIECE);
    }

    private static float offset(float d, long scales, float[] halfSums, int first) {
        float offset = d * (byte) scales * halfSums[first];
        return PIECES == 1 ? offset : offset + d * (byte) (scales >>> 8) * halfSums[first + 1];
    }

    private static IntVector lowSix(IntVector v, IntVector upper) {
        return v.and(0x0F0F0F0F).or(upper.and(0x03030303).lanewise(VectorOperators.LSHL, 4));
    }

    private static IntVector highSix(IntVector v, IntVector upper) {
        return v.lanewise(VectorOperators.LSHR, 4).and(0x0F0F0F0F).or(upper.and(0x30303030));
    }

    // Four bytes in each lane, times their activations; the sum is in the upper half.
    private static IntVector products(IntVector q, byte[] even, byte[] odd, int at) {
        return q.and(PAIR).mul(Lanes.pairs(even, at))
                .add(q.lanewise(VectorOperators.LSHR, 8).and(PAIR).mul(Lanes.pairs(odd, at)));
    }

    /** Sixteen lanes take 64 nibble bytes at once. */
    private static final class Wide {
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

        static float dot(long address, Int8Row x, int columns) {
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
}
