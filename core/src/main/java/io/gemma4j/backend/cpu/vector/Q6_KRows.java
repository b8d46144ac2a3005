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
import static io.gemma4j.tensor.LittleEndian.i8;

import io.gemma4j.backend.cpu.RowKernel;
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
            // Quarters of 128 elements, 16 elements of each at a time: h counts them, two per half of the block.
            for (int h = 0; h < 4; h++) {
                long ql = block + 64 * (h >> 1) + 16 * (h & 1);
                long qh = block + 128 + 16 * h;
                long scales = block + 192 + 8 * (h >> 1) + (h & 1);
                FloatVector scale0 = splat(d * i8(bytes, scales));
                FloatVector scale1 = splat(d * i8(bytes, scales + 2));
                FloatVector scale2 = splat(d * i8(bytes, scales + 4));
                FloatVector scale3 = splat(d * i8(bytes, scales + 6));
                int first = 128 * (h >> 1) + 16 * (h & 1);
                for (int l = 0; l < 16; l += LANES) {
                    IntVector b0 = unsignedBytes(bytes, ql + l);
                    IntVector b1 = unsignedBytes(bytes, ql + 32 + l);
                    IntVector upper = unsignedBytes(bytes, qh + l);
                    IntVector q0 = low(b0).or(upper.lanewise(VectorOperators.LSHL, 4).and(0x30));
                    IntVector q1 = low(b1).or(upper.lanewise(VectorOperators.LSHL, 2).and(0x30));
                    IntVector q2 = high(b0).or(upper.and(0x30));
                    IntVector q3 = high(b1).or(upper.lanewise(VectorOperators.LSHR, 2).and(0x30));
                    toFloats(q0.sub(32)).mul(scale0).intoArray(out, at + first + l);
                    toFloats(q1.sub(32)).mul(scale1).intoArray(out, at + first + 32 + l);
                    toFloats(q2.sub(32)).mul(scale2).intoArray(out, at + first + 64 + l);
                    toFloats(q3.sub(32)).mul(scale3).intoArray(out, at + first + 96 + l);
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
            // Quarters of 128 elements, 16 elements of each at a time: h counts them, two per half of the block.
            for (int h = 0; h < 4; h++) {
                long ql = block + 64 * (h >> 1) + 16 * (h & 1);
                long qh = block + 128 + 16 * h;
                long scales = block + 192 + 8 * (h >> 1) + (h & 1);
                FloatVector scale0 = splat(d * i8(bytes, scales));
                FloatVector scale1 = splat(d * i8(bytes, scales + 2));
                FloatVector scale2 = splat(d * i8(bytes, scales + 4));
                FloatVector scale3 = splat(d * i8(bytes, scales + 6));
                int first = 128 * (h >> 1) + 16 * (h & 1);
                for (int l = 0; l < 16; l += LANES) {
                    IntVector b0 = unsignedBytes(bytes, ql + l);
                    IntVector b1 = unsignedBytes(bytes, ql + 32 + l);
                    IntVector upper = unsignedBytes(bytes, qh + l);
                    IntVector q0 = low(b0).or(upper.lanewise(VectorOperators.LSHL, 4).and(0x30));
                    IntVector q1 = low(b1).or(upper.lanewise(VectorOperators.LSHL, 2).and(0x30));
                    IntVector q2 = high(b0).or(upper.and(0x30));
                    IntVector q3 = high(b1).or(upper.lanewise(VectorOperators.LSHR, 2).and(0x30));
                    sum0 = toFloats(q0.sub(32)).mul(scale0).fma(floats(x, at + first + l), sum0);
                    sum1 = toFloats(q1.sub(32)).mul(scale1).fma(floats(x, at + first + 32 + l), sum1);
                    sum0 = toFloats(q2.sub(32)).mul(scale2).fma(floats(x, at + first + 64 + l), sum0);
                    sum1 = toFloats(q3.sub(32)).mul(scale3).fma(floats(x, at + first + 96 + l), sum1);
                }
            }
            block += 210;
        }
        return sum(sum0, sum1);
    }
}
