package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.Lanes.floats;
import static io.gemma4j.backend.cpu.vector.Lanes.high;
import static io.gemma4j.backend.cpu.vector.Lanes.low;
import static io.gemma4j.backend.cpu.vector.Lanes.requireWholeBlocks;
import static io.gemma4j.backend.cpu.vector.Lanes.splat;
import static io.gemma4j.backend.cpu.vector.Lanes.sum;
import static io.gemma4j.backend.cpu.vector.Lanes.toFloats;
import static io.gemma4j.backend.cpu.vector.Lanes.unsignedBytes;
import static io.gemma4j.backend.cpu.vector.Lanes.zero;
import static io.gemma4j.backend.cpu.vector.VectorWidth.LANES;
import static io.gemma4j.tensor.LittleEndian.i64;

import io.gemma4j.backend.cpu.kernel.RowKernel;
import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Rows of Q5_K. Products are exact, so that the fused multiply-add rounds once, as the definition does. Stateless and thread-safe. */
final class Q5_KRows implements RowKernel {

    @Override
    public GgmlType type() {
        return GgmlType.Q5_K;
    }

    @Override
    public void dequantize(MemorySegment bytes, long byteOffset, float[] out, int outOffset, int elements) {
        requireWholeBlocks(type(), elements);
        long block = byteOffset;
        for (int at = outOffset; at < outOffset + elements; at += 256) {
            long first = i64(bytes, block);
            long second = i64(bytes, block + 8);
            float d = SixBitLanes.d(first);
            float dmin = -SixBitLanes.dmin(first);
            long scales = SixBitLanes.scales(first, second);
            long mins = SixBitLanes.mins(second);
            for (int g = 0; g < 8; g += 2) {
                FloatVector scale0 = splat(d * SixBitLanes.get(scales, g));
                FloatVector scale1 = splat(d * SixBitLanes.get(scales, g + 1));
                FloatVector min0 = splat(dmin * SixBitLanes.get(mins, g));
                FloatVector min1 = splat(dmin * SixBitLanes.get(mins, g + 1));
                for (int l = 0; l < 32; l += LANES) {
                    IntVector b = unsignedBytes(bytes, block + 48 + 16 * g + l);
                    IntVector fifths = unsignedBytes(bytes, block + 16 + l).lanewise(VectorOperators.LSHR, g);
                    IntVector q0 = low(b).or(fifths.and(1).lanewise(VectorOperators.LSHL, 4));
                    IntVector q1 = high(b).or(fifths.and(2).lanewise(VectorOperators.LSHL, 3));
                    toFloats(q0).fma(scale0, min0).intoArray(out, at + 32 * g + l);
                    toFloats(q1).fma(scale1, min1).intoArray(out, at + 32 * g + 32 + l);
                }
            }
            block += 176;
        }
    }

    @Override
    public float dot(MemorySegment bytes, long byteOffset, float[] x, int xOffset, int elements) {
        requireWholeBlocks(type(), elements);
        FloatVector sum0 = zero();
        FloatVector sum1 = zero();
        long block = byteOffset;
        for (int at = xOffset; at < xOffset + elements; at += 256) {
            long first = i64(bytes, block);
            long second = i64(bytes, block + 8);
            float d = SixBitLanes.d(first);
            float dmin = -SixBitLanes.dmin(first);
            long scales = SixBitLanes.scales(first, second);
            long mins = SixBitLanes.mins(second);
            for (int g = 0; g < 8; g += 2) {
                FloatVector scale0 = splat(d * SixBitLanes.get(scales, g));
                FloatVector scale1 = splat(d * SixBitLanes.get(scales, g + 1));
                FloatVector min0 = splat(dmin * SixBitLanes.get(mins, g));
                FloatVector min1 = splat(dmin * SixBitLanes.get(mins, g + 1));
                for (int l = 0; l < 32; l += LANES) {
                    IntVector b = unsignedBytes(bytes, block + 48 + 16 * g + l);
                    IntVector fifths = unsignedBytes(bytes, block + 16 + l).lanewise(VectorOperators.LSHR, g);
                    IntVector q0 = low(b).or(fifths.and(1).lanewise(VectorOperators.LSHL, 4));
                    IntVector q1 = high(b).or(fifths.and(2).lanewise(VectorOperators.LSHL, 3));
                    sum0 = toFloats(q0).fma(scale0, min0).fma(floats(x, at + 32 * g + l), sum0);
                    sum1 = toFloats(q1).fma(scale1, min1).fma(floats(x, at + 32 * g + 32 + l), sum1);
                }
            }
            block += 176;
        }
        return sum(sum0, sum1);
    }
}
