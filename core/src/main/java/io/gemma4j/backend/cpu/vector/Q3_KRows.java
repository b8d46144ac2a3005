package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.Lanes.floats;
import static io.gemma4j.backend.cpu.vector.Lanes.requireWholeBlocks;
import static io.gemma4j.backend.cpu.vector.Lanes.splat;
import static io.gemma4j.backend.cpu.vector.Lanes.toFloats;
import static io.gemma4j.backend.cpu.vector.Lanes.unsignedBytes;
import static io.gemma4j.backend.cpu.vector.Lanes.zero;
import static io.gemma4j.backend.cpu.vector.VectorWidth.LANES;
import static io.gemma4j.tensor.LittleEndian.f16;

import io.gemma4j.backend.cpu.kernel.RowKernel;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.Q3_K;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Rows of Q3_K. Stateless and thread-safe. */
final class Q3_KRows implements RowKernel {

    @Override
    public GgmlType type() {
        return GgmlType.Q3_K;
    }

    @Override
    public void dequantize(MemorySegment bytes, long byteOffset, float[] out, int outOffset, int elements) {
        requireWholeBlocks(type(), elements);
        long block = byteOffset;
        for (int at = outOffset; at < outOffset + elements; at += 256) {
            float d = f16(bytes, block + 108);
            for (int g = 0; g < 16; g++) {
                FloatVector scale = splat(d * (Q3_K.scale(bytes, block + 96, g) - 32));
                long quants = block + 32 + 32 * (g >> 3) + 16 * (g & 1);
                long thirdBits = block + 16 * (g & 1);
                for (int l = 0; l < 16; l += LANES) {
                    IntVector q = unsignedBytes(bytes, quants + l).lanewise(VectorOperators.LSHR, g & 6).and(3);
                    IntVector third = unsignedBytes(bytes, thirdBits + l).lanewise(VectorOperators.LSHR, g >> 1).and(1);
                    toFloats(q.or(third.lanewise(VectorOperators.LSHL, 2)).sub(4)).mul(scale).intoArray(out, at + 16 * g + l);
                }
            }
            block += 110;
        }
    }

    @Override
    public float dot(MemorySegment bytes, long byteOffset, float[] x, int xOffset, int elements) {
        requireWholeBlocks(type(), elements);
        FloatVector sum = zero();
        long block = byteOffset;
        for (int at = xOffset; at < xOffset + elements; at += 256) {
            float d = f16(bytes, block + 108);
            for (int g = 0; g < 16; g++) {
                FloatVector scale = splat(d * (Q3_K.scale(bytes, block + 96, g) - 32));
                long quants = block + 32 + 32 * (g >> 3) + 16 * (g & 1);
                long thirdBits = block + 16 * (g & 1);
                for (int l = 0; l < 16; l += LANES) {
                    IntVector q = unsignedBytes(bytes, quants + l).lanewise(VectorOperators.LSHR, g & 6).and(3);
                    IntVector third = unsignedBytes(bytes, thirdBits + l).lanewise(VectorOperators.LSHR, g >> 1).and(1);
                    sum = toFloats(q.or(third.lanewise(VectorOperators.LSHL, 2)).sub(4)).mul(scale).fma(floats(x, at + 16 * g + l), sum);
                }
            }
            block += 110;
        }
        return Lanes.sum(sum);
    }
}
