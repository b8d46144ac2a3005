package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.Lanes.floats;
import static io.gemma4j.backend.cpu.vector.Lanes.requireWholeBlocks;
import static io.gemma4j.backend.cpu.vector.Lanes.splat;
import static io.gemma4j.backend.cpu.vector.Lanes.toFloats;
import static io.gemma4j.backend.cpu.vector.Lanes.unsignedBytes;
import static io.gemma4j.backend.cpu.vector.Lanes.zero;
import static io.gemma4j.backend.cpu.vector.VectorWidth.LANES;
import static io.gemma4j.tensor.LittleEndian.f16;
import static io.gemma4j.tensor.LittleEndian.u8;

import io.gemma4j.backend.cpu.kernel.RowKernel;
import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Rows of Q2_K. Products are exact, so that the fused multiply-add rounds once, as the definition does. Stateless and thread-safe. */
final class Q2_KRows implements RowKernel {

    @Override
    public GgmlType type() {
        return GgmlType.Q2_K;
    }

    @Override
    public void dequantize(MemorySegment bytes, long byteOffset, float[] out, int outOffset, int elements) {
        requireWholeBlocks(type(), elements);
        long block = byteOffset;
        for (int at = outOffset; at < outOffset + elements; at += 256) {
            float d = f16(bytes, block + 80);
            float dmin = -f16(bytes, block + 82);
            for (int g = 0; g < 16; g++) {
                int pair = u8(bytes, block + g);
                FloatVector scale = splat(d * (pair & 15));
                FloatVector min = splat(dmin * (pair >>> 4));
                long quants = block + 16 + 32 * (g >> 3) + 16 * (g & 1);
                for (int l = 0; l < 16; l += LANES) {
                    IntVector q = unsignedBytes(bytes, quants + l).lanewise(VectorOperators.LSHR, g & 6).and(3);
                    toFloats(q).fma(scale, min).intoArray(out, at + 16 * g + l);
                }
            }
            block += 84;
        }
    }

    @Override
    public float dot(MemorySegment bytes, long byteOffset, float[] x, int xOffset, int elements) {
        requireWholeBlocks(type(), elements);
        FloatVector sum = zero();
        long block = byteOffset;
        for (int at = xOffset; at < xOffset + elements; at += 256) {
            float d = f16(bytes, block + 80);
            float dmin = -f16(bytes, block + 82);
            for (int g = 0; g < 16; g++) {
                int pair = u8(bytes, block + g);
                FloatVector scale = splat(d * (pair & 15));
                FloatVector min = splat(dmin * (pair >>> 4));
                long quants = block + 16 + 32 * (g >> 3) + 16 * (g & 1);
                for (int l = 0; l < 16; l += LANES) {
                    IntVector q = unsignedBytes(bytes, quants + l).lanewise(VectorOperators.LSHR, g & 6).and(3);
                    sum = toFloats(q).fma(scale, min).fma(floats(x, at + 16 * g + l), sum);
                }
            }
            block += 84;
        }
        return Lanes.sum(sum);
    }
}
