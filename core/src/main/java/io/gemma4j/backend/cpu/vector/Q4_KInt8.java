package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.Lanes.splat;
import static io.gemma4j.backend.cpu.vector.Lanes.toFloats;
import static io.gemma4j.backend.cpu.vector.NativeMemory.i64;
import static io.gemma4j.backend.cpu.vector.NativeMemory.ints;
import static io.gemma4j.backend.cpu.vector.VectorWidth.FLOATS;
import static io.gemma4j.backend.cpu.vector.VectorWidth.INTS;
import static io.gemma4j.backend.cpu.vector.VectorWidth.LANES;

import io.gemma4j.backend.cpu.Int8Kernel;
import io.gemma4j.backend.cpu.Int8Row;
import java.lang.foreign.MemorySegment;
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
        long address = NativeMemory.address(bytes, byteOffset, rows * rowBytes);
        for (int row = 0; row < rows; row++) {
            out[outOffset + row] = LANES == 16 ? Wide.dot(address + row * rowBytes, x, columns) : narrow(address + row * rowBytes, x, columns);
        }
    }

    private static float narrow(long address, Int8Row x, int columns) {
        int[] even = x.even();
        int[] odd = x.odd();
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
    private static IntVector products(IntVector v, int[] even, int[] odd, int at) {
        return v.and(PAIR).mul(IntVector.fromArray(INTS, even, at))
                .add(v.lanewise(VectorOperators.LSHR, 8).and(PAIR).mul(IntVector.fromArray(INTS, odd, at)));
    }

    /** Sixteen lanes take two groups at once. */
    private static final class Wide {
        private static final VectorMask<Float> UPPER = VectorMask.fromLong(FLOATS, 0xFF00);
        private static final VectorShuffle<Float> LOW = VectorShuffle.fromOp(FLOATS, i -> i < 8 ? 0 : 2);
        private static final VectorShuffle<Float> HIGH = VectorShuffle.fromOp(FLOATS, i -> i < 8 ? 1 : 3);
        private static final VectorShuffle<Float> NEXT = VectorShuffle.fromOp(FLOATS, i -> (i + 4) & 15);

        static float dot(long address, Int8Row x, int columns) {
            int[] even = x.evenBySixtyFour();
            int[] odd = x.oddBySixtyFour();
            float[] scalesAndSums = x.scalesAndSums();
            FloatVector low = Lanes.zero();
            FloatVector high = low;
            FloatVector minima = low;
            long block = address;
            for (int at = 0; at < columns / 4; at += 64) {
                long first = i64(block);
                long second = i64(block + 8);
                FloatVector factors = toFloats(sixBits(SixBitLanes.scales(first, second), SixBitLanes.mins(second)))
                        .mul(FloatVector.fromArray(FLOATS, scalesAndSums, at / 4))
                        .mul(splat(SixBitLanes.d(first) * PRODUCT_UNIT).blend(SixBitLanes.dmin(first), UPPER));
                minima = minima.add(factors);
                for (int half = 0; half < 64; half += 32) {
                    IntVector v = ints(block + 16 + 2 * half);
                    low = toFloats(products(v, even, odd, at + half)).fma(factors.rearrange(LOW), low);
                    high = toFloats(products(v.lanewise(VectorOperators.LSHR, 4), even, odd, at + half + 16)).fma(factors.rearrange(HIGH), high);
                    factors = factors.rearrange(NEXT);
                }
                block += 144;
            }
            return Lanes.sum(low, high) - minima.reduceLanes(VectorOperators.ADD, UPPER);
        }

        // Eight scales, then eight minima.
        private static IntVector sixBits(long scales, long mins) {
            return (IntVector) LongVector.broadcast(LongVector.SPECIES_128, scales).withLane(1, mins).reinterpretAsBytes()
                    .convertShape(VectorOperators.ZERO_EXTEND_B2I, INTS, 0);
        }
    }
}
