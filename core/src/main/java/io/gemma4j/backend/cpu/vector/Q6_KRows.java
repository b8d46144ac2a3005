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
import static io.gemma4j.tensor.LittleEndian.f16;
import static io.gemma4j.tensor.LittleEndian.i64;

import io.gemma4j.backend.cpu.kernel.RowKernel;
import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Rows of Q6_K. Stateless and thread-safe. */
final class Q6_KRows implements RowKernel {

    @Override
    public GgmlType type() {
        return GgmlType.Q6_K;
    }

    @Override
    public void dequantize(MemorySegment bytes, long byteOffset, float[] out, int outOffset, int elements) {
        requireWholeBlocks(type(), elements);
        long block = byteOffset;
        for (int at = outOffset; at < outOffset + elements; at += 256) {
            float d = f16(bytes, block + 208);
            // Eight pieces of 16 bytes of nibbles; the low ones belong to an earlier quarter of the half than the high ones.
            for (int p = 0; p < 8; p++) {
                int half = p >> 2;
                int quarter = p >> 1 & 1;
                long scales = i64(bytes, block + 192 + 8 * half) >>> 8 * (p & 3);
                FloatVector scale0 = splat(d * (byte) scales);
                FloatVector scale1 = splat(d * (byte) (scales >>> 32));
                long bitPairs = block + 128 + 32 * half + 16 * (p & 1);
                int first = 128 * half + 16 * (p & 3);
                for (int l = 0; l < 16; l += LANES) {
                    IntVector b = unsignedBytes(bytes, block + 16 * p + l);
                    IntVector upper = unsignedBytes(bytes, bitPairs + l).lanewise(VectorOperators.LSHR, 2 * quarter);
                    IntVector q0 = low(b).or(upper.and(3).lanewise(VectorOperators.LSHL, 4));
                    IntVector q1 = high(b).or(upper.and(0x30));
                    toFloats(q0.sub(32)).mul(scale0).intoArray(out, at + first + l);
                    toFloats(q1.sub(32)).mul(scale1).intoArray(out, at + first + 64 + l);
                }
            }
            block += 210;
        }
    }

    @Override
    public float dot(MemorySegment bytes, long byteOffset, float[] x, int xOffset, int elements) {
        requireWholeBlocks(type(), elements);
        FloatVector sum0 = zero();
        FloatVector sum1 = zero();
        long block = byteOffset;
        for (int at = xOffset; at < xOffset + elements; at += 256) {
            float d = f16(bytes, block + 208);
            // Eight pieces of 16 bytes of nibbles; the low ones belong to an earlier quarter of the half than the high ones.
            for (int p = 0; p < 8; p++) {
                int half = p >> 2;
                int quarter = p >> 1 & 1;
                long scales = i64(bytes, block + 192 + 8 * half) >>> 8 * (p & 3);
                FloatVector scale0 = splat(d * (byte) scales);
                FloatVector scale1 = splat(d * (byte) (scales >>> 32));
                long bitPairs = block + 128 + 32 * half + 16 * (p & 1);
                int first = 128 * half + 16 * (p & 3);
                for (int l = 0; l < 16; l += LANES) {
                    IntVector b = unsignedBytes(bytes, block + 16 * p + l);
                    IntVector upper = unsignedBytes(bytes, bitPairs + l).lanewise(VectorOperators.LSHR, 2 * quarter);
                    IntVector q0 = low(b).or(upper.and(3).lanewise(VectorOperators.LSHL, 4));
                    IntVector q1 = high(b).or(upper.and(0x30));
                    sum0 = toFloats(q0.sub(32)).mul(scale0).fma(floats(x, at + first + l), sum0);
                    sum1 = toFloats(q1.sub(32)).mul(scale1).fma(floats(x, at + first + 64 + l), sum1);
                }
            }
            block += 210;
        }
        return sum(sum0, sum1);
    }
}
