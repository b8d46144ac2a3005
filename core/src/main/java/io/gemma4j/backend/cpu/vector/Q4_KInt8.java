package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.Lanes.PAIR_BYTES;
import static io.gemma4j.backend.cpu.vector.Lanes.PAIR_SHORTS;
import static io.gemma4j.backend.cpu.vector.NativeMemory.ALL;
import static io.gemma4j.backend.cpu.vector.NativeMemory.POSITIVE;
import static io.gemma4j.backend.cpu.vector.NativeMemory.i64;
import static io.gemma4j.backend.cpu.vector.VectorWidth.FLOATS;
import static io.gemma4j.backend.cpu.vector.VectorWidth.INTS;
import static io.gemma4j.backend.cpu.vector.VectorWidth.LANES;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.B2S;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;

import io.gemma4j.backend.cpu.kernel.Int8Kernel;
import io.gemma4j.backend.cpu.kernel.Int8Row;
import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * {@link Int8Kernel} for Q4_K. Expressions are written out: a method of their own would not always be inlined, and then its vectors would be objects.
 */
final class Q4_KInt8 implements Int8Kernel {
    private static final int PAIR = 0x000F000F;
    private static final int BLOCK_BYTES = 144;

    @Override
    public int group() {
        return Int8Pairs.GROUP;
    }

    @Override
    public void arrange(Int8Row x, int columns) {
        Int8Pairs.arrange(this, x, columns, LANES == 16, -1);
    }

    @Override
    public void dots(MemorySegment bytes, long byteOffset, long rowBytes, int rows, Int8Row x, int columns, float[] out, int outOffset,
            float[] lanes) {
        long address = NativeMemory.rows(GgmlType.Q4_K, bytes, byteOffset, rowBytes, rows, columns);
        int blocks = columns / Int8Pairs.BLOCK;
        long pairs = x.arrangement(this).asSlice(0, (long) blocks * Int8Pairs.BLOCK_BYTES).address();
        for (int row = 0; row < rows; row++) {
            long at = address + row * rowBytes;
            int slot = Lanes.slot(row);
            if (LANES < 16) {
                narrow(at, pairs, blocks, lanes, slot);
            } else {
                Wide.dot(at, pairs, blocks, lanes, slot);
            }
            Lanes.sumRows(lanes, row, rows, out, outOffset);
        }
    }

    private static void narrow(long address, long pairs, int blocks, float[] lanes, int at) {
        FloatVector low = FloatVector.zero(FLOATS);
        FloatVector high = low;
        float minima = 0;
        for (int block = 0; block < blocks; block++) {
            long w = address + (long) block * BLOCK_BYTES & POSITIVE;
            long x = pairs + (long) block * Int8Pairs.BLOCK_BYTES & POSITIVE;
            long first = i64(w);
            long second = i64(w + 8);
            float d = SixBitLanes.d(first);
            float dmin = SixBitLanes.dmin(first);
            long scales = SixBitLanes.scales(first, second);
            long mins = SixBitLanes.mins(second);
            for (int g = 0; g < 8; g += 2) {
                long sums = x + Int8Pairs.SUMS_OFFSET + 8L * g;
                minima += dmin * (SixBitLanes.get(mins, g) * (NativeMemory.f32(sums) + NativeMemory.f32(sums + 4))
                        + SixBitLanes.get(mins, g + 1) * (NativeMemory.f32(sums + 8) + NativeMemory.f32(sums + 12)));
                FloatVector scale0 = FloatVector.broadcast(FLOATS, d * SixBitLanes.get(scales, g));
                FloatVector scale1 = FloatVector.broadcast(FLOATS, d * SixBitLanes.get(scales, g + 1));
                for (int l = 0; l < 8; l += LANES) {
                    long pair = x + 32L * g + 2 * l;
                    long laneScales = x + Int8Pairs.SCALES_OFFSET + 32L * g + 4 * l;
                    IntVector v = IntVector.fromMemorySegment(INTS, ALL, w + 16 + 16 * g + 4 * l, LITTLE_ENDIAN);
                    low = ((FloatVector) v.and(PAIR)
                            .mul(ByteVector.fromMemorySegment(PAIR_BYTES, ALL, pair, LITTLE_ENDIAN).convertShape(B2S, PAIR_SHORTS, 0).reinterpretAsInts())
                            .add(v.lanewise(LSHR, 8).and(PAIR)
                                    .mul(ByteVector.fromMemorySegment(PAIR_BYTES, ALL, pair + 32, LITTLE_ENDIAN).convertShape(B2S, PAIR_SHORTS, 0).reinterpretAsInts()))
                            .convertShape(I2F, FLOATS, 0)).fma(scale0.mul(FloatVector.fromMemorySegment(FLOATS, ALL, laneScales, LITTLE_ENDIAN)), low);
                    high = ((FloatVector) v.lanewise(LSHR, 4).and(PAIR)
                            .mul(ByteVector.fromMemorySegment(PAIR_BYTES, ALL, pair + 16, LITTLE_ENDIAN).convertShape(B2S, PAIR_SHORTS, 0).reinterpretAsInts())
                            .add(v.lanewise(LSHR, 12).and(PAIR)
                                    .mul(ByteVector.fromMemorySegment(PAIR_BYTES, ALL, pair + 48, LITTLE_ENDIAN).convertShape(B2S, PAIR_SHORTS, 0).reinterpretAsInts()))
                            .convertShape(I2F, FLOATS, 0)).fma(scale1.mul(FloatVector.fromMemorySegment(FLOATS, ALL, laneScales + 32, LITTLE_ENDIAN)), high);
                }
            }
        }
        low.add(high).intoArray(lanes, at);
        lanes[at] += minima;
    }

    /** Sixteen lanes take the 32 bytes of two groups at once, and the low nibbles of the groups 64 elements apart stand in them. */
    private static final class Wide {
        private static final VectorMask<Float> UPPER = VectorMask.fromLong(FLOATS, 0xFF00);
        // The header's eight scales and eight minima, each for two runs of 16 activations.
        private static final VectorShuffle<Float> SCALES = VectorShuffle.fromOp(FLOATS, i -> i / 2);
        private static final VectorShuffle<Float> MINIMA = VectorShuffle.fromOp(FLOATS, i -> 8 + i / 2);
        // By half of a block: groups 0 and 2 or 4 and 6, groups 1 and 3 or 5 and 7.
        private static final VectorShuffle<Float>[] LOW = shuffles();
        private static final VectorShuffle<Float>[] HIGH = shuffles();

        static {
            for (int half = 0; half < 2; half++) {
                LOW[half] = factors(4 * half);
                HIGH[half] = factors(4 * half + 1);
            }
        }

        private static VectorShuffle<Float> factors(int group) {
            return VectorShuffle.fromOp(FLOATS, lane -> 2 * (lane < 8 ? group : group + 2) + (lane >> 2 & 1));
        }

        @SuppressWarnings({"unchecked", "rawtypes"}) // arrays of generic types can only be made so
        private static <E> VectorShuffle<E>[] shuffles() {
            return new VectorShuffle[2];
        }

        static void dot(long address, long pairs, int blocks, float[] lanes, int at) {
            FloatVector sum = FloatVector.zero(FLOATS);
            for (int block = 0; block < blocks; block++) {
                // Masked once: what is added is so small that no access needs a check.
                long w = address + (long) block * BLOCK_BYTES & POSITIVE;
                long x = pairs + (long) block * Int8Pairs.BLOCK_BYTES & POSITIVE;
                long first = i64(w);
                long second = i64(w + 8);
                FloatVector header = ((FloatVector) LongVector.broadcast(LongVector.SPECIES_128, SixBitLanes.scales(first, second))
                        .withLane(1, SixBitLanes.mins(second)).reinterpretAsBytes().convertShape(ZERO_EXTEND_B2I, INTS, 0).reinterpretAsInts()
                        .convertShape(I2F, FLOATS, 0)).mul(FloatVector.broadcast(FLOATS, SixBitLanes.d(first)).blend(SixBitLanes.dmin(first), UPPER));
                sum = header.rearrange(MINIMA).fma(FloatVector.fromMemorySegment(FLOATS, ALL, x + Int8Pairs.SUMS_OFFSET, LITTLE_ENDIAN), sum);
                FloatVector factors = header.rearrange(SCALES)
                        .mul(FloatVector.fromMemorySegment(FLOATS, ALL, x + Int8Pairs.SCALES_OFFSET, LITTLE_ENDIAN));
                for (int half = 0; half < 2; half++) {
                    IntVector v = IntVector.fromMemorySegment(INTS, ALL, w + 16 + 64 * half, LITTLE_ENDIAN);
                    sum = ((FloatVector) v.and(PAIR)
                            .mul(IntVector.fromMemorySegment(INTS, ALL, x + 256 * half, LITTLE_ENDIAN))
                            .add(v.lanewise(LSHR, 8).and(PAIR)
                                    .mul(IntVector.fromMemorySegment(INTS, ALL, x + 256 * half + 64, LITTLE_ENDIAN)))
                            .convertShape(I2F, FLOATS, 0)).fma(factors.rearrange(LOW[half]), sum);
                    sum = ((FloatVector) v.lanewise(LSHR, 4).and(PAIR)
                            .mul(IntVector.fromMemorySegment(INTS, ALL, x + 256 * half + 128, LITTLE_ENDIAN))
                            .add(v.lanewise(LSHR, 12).and(PAIR)
                                    .mul(IntVector.fromMemorySegment(INTS, ALL, x + 256 * half + 192, LITTLE_ENDIAN)))
                            .convertShape(I2F, FLOATS, 0)).fma(factors.rearrange(HIGH[half]), sum);
                }
            }
            sum.intoArray(lanes, at);
        }
    }
}
