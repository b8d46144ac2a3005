package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.Lanes.PAIR_BYTES;
import static io.gemma4j.backend.cpu.vector.Lanes.PAIR_SHORTS;
import static io.gemma4j.backend.cpu.vector.Lanes.splat;
import static io.gemma4j.backend.cpu.vector.Lanes.toFloats;
import static io.gemma4j.backend.cpu.vector.NativeMemory.ALL;
import static io.gemma4j.backend.cpu.vector.NativeMemory.POSITIVE;
import static io.gemma4j.backend.cpu.vector.NativeMemory.i64;
import static io.gemma4j.backend.cpu.vector.NativeMemory.ints;
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
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/** {@link Int8Kernel} for Q4_K. */
final class Q4_KInt8 implements Int8Kernel {
    private static final int PAIR = 0x000F000F;
    private static final float PRODUCT_UNIT = 0x1p-16f;

    @Override
    public void dots(MemorySegment bytes, long byteOffset, long rowBytes, int rows, Int8Row x, int columns, float[] out, int outOffset) {
        long address = NativeMemory.rows(GgmlType.Q4_K, bytes, byteOffset, rowBytes, rows, columns);
        for (int row = 0; row < rows; row++) {
            out[outOffset + row] = LANES == 16 ? Wide.dot(address + row * rowBytes, x, columns) : narrow(address + row * rowBytes, x, columns);
        }
    }

    private static float narrow(long address, Int8Row x, int columns) {
        byte[] even = x.even();
        byte[] odd = x.odd();
        FloatVector low = Lanes.zero();
        FloatVector high = low;
        float minima = 0;
        long block = address;
        for (int group = 0; group < columns / 32; group += 8) {
            long first = i64(block);
            long second = i64(block + 8);
            float d = SixBitLanes.d(first);
            float dmin = SixBitLanes.dmin(first);
            long scales = SixBitLanes.scales(first, second);
            long mins = SixBitLanes.mins(second);
            for (int g = 0; g < 8; g += 2) {
                int at = (group + g) * 8;
                FloatVector scale0 = splat(d * PRODUCT_UNIT * SixBitLanes.get(scales, g) * x.scales()[group + g]);
                FloatVector scale1 = splat(d * PRODUCT_UNIT * SixBitLanes.get(scales, g + 1) * x.scales()[group + g + 1]);
                minima += dmin * (SixBitLanes.get(mins, g) * x.sums()[group + g] + SixBitLanes.get(mins, g + 1) * x.sums()[group + g + 1]);
                for (int l = 0; l < 8; l += LANES) {
                    IntVector v = ints(block + 16 + 16 * g + 4 * l);
                    low = toFloats(products(v, even, odd, at + l)).fma(scale0, low);
                    high = toFloats(products(v.lanewise(VectorOperators.LSHR, 4), even, odd, at + 8 + l)).fma(scale1, high);
                }
            }
            block += 144;
        }
        return Lanes.sum(low, high) - minima;
    }

    // The low nibbles of four bytes in each lane, times their activations; the sum is in the upper half.
    private static IntVector products(IntVector v, byte[] even, byte[] odd, int at) {
        return v.and(PAIR).mul(Lanes.pairs(even, at))
                .add(v.lanewise(VectorOperators.LSHR, 8).and(PAIR).mul(Lanes.pairs(odd, at)));
    }

    /** Sixteen lanes take two groups at once. */
    private static final class Wide {
        private static final VectorMask<Float> UPPER = VectorMask.fromLong(FLOATS, 0xFF00);
        private static final VectorMask<Float> LOWER = UPPER.not();
        // By quarter of a block: the scales of groups 0 and 2, 1 and 3, 4 and 6, 5 and 7. Fetched anew for each quarter, since a vector that is
        // carried from one to the next and rearranged is at times kept as an object.
        private static final VectorShuffle<Float>[] SCALES = shuffles();

        static {
            for (int quarter = 0; quarter < 4; quarter++) {
                int first = 4 * (quarter >> 1) + (quarter & 1);
                SCALES[quarter] = VectorShuffle.fromOp(FLOATS, i -> i < 8 ? first : first + 2);
            }
        }

        @SuppressWarnings({"unchecked", "rawtypes"}) // arrays of generic types can only be made so
        private static <E> VectorShuffle<E>[] shuffles() {
            return new VectorShuffle[4];
        }

        static float dot(long address, Int8Row x, int columns) {
            byte[] even = x.evenBySixtyFour();
            byte[] odd = x.oddBySixtyFour();
            float[] scalesAndSums = x.scalesAndSums();
            FloatVector sum = FloatVector.zero(FLOATS);
            FloatVector minima = sum;
            long block = address;
            for (int at = 0; at < columns / 4; at += 64) {
                long first = i64(block);
                long second = i64(block + 8);
                FloatVector factors = ((FloatVector) LongVector.broadcast(LongVector.SPECIES_128, SixBitLanes.scales(first, second))
                        .withLane(1, SixBitLanes.mins(second)).reinterpretAsBytes().convertShape(VectorOperators.ZERO_EXTEND_B2I, INTS, 0)
                        .reinterpretAsInts().convert(VectorOperators.I2F, 0)).mul(FloatVector.fromArray(FLOATS, scalesAndSums, at / 4))
                        .mul(FloatVector.broadcast(FLOATS, SixBitLanes.d(first) * PRODUCT_UNIT).blend(SixBitLanes.dmin(first), UPPER));
                minima = minima.add(factors);
                for (int quarter = 0; quarter < 4; quarter++) {
                    // Written out: a method of its own would not always be inlined, and then its vectors would be objects.
                    IntVector v = IntVector.fromMemorySegment(INTS, ALL, block + 16 + 64 * (quarter >> 1) & POSITIVE, LITTLE_ENDIAN)
                            .lanewise(VectorOperators.LSHR, 4 * (quarter & 1));
                    int pair = 2 * (at + 16 * quarter);
                    IntVector products = v.and(PAIR)
                            .mul(ByteVector.fromArray(PAIR_BYTES, even, pair).convertShape(VectorOperators.B2S, PAIR_SHORTS, 0).reinterpretAsInts())
                            .add(v.lanewise(VectorOperators.LSHR, 8).and(PAIR)
                                    .mul(ByteVector.fromArray(PAIR_BYTES, odd, pair).convertShape(VectorOperators.B2S, PAIR_SHORTS, 0).reinterpretAsInts()));
                    sum = ((FloatVector) products.convert(VectorOperators.I2F, 0)).fma(factors.rearrange(SCALES[quarter]), sum);
                }
                block += 144;
            }
            // Only the upper half of the minima holds minima. A masked reduction is not always compiled to vector code.
            return sum.sub(minima.blend(0, LOWER)).reduceLanes(VectorOperators.ADD);
        }
    }
}
