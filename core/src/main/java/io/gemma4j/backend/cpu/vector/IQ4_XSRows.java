package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.Lanes.floats;
import static io.gemma4j.backend.cpu.vector.Lanes.high;
import static io.gemma4j.backend.cpu.vector.Lanes.low;
import static io.gemma4j.backend.cpu.vector.Lanes.requireWholeBlocks;
import static io.gemma4j.backend.cpu.vector.Lanes.splat;
import static io.gemma4j.backend.cpu.vector.Lanes.sum;
import static io.gemma4j.backend.cpu.vector.Lanes.unsignedBytes;
import static io.gemma4j.backend.cpu.vector.Lanes.zero;
import static io.gemma4j.backend.cpu.vector.VectorWidth.LANES;
import static io.gemma4j.tensor.LittleEndian.f16;

import io.gemma4j.backend.cpu.kernel.RowKernel;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.IQ4_NL;
import io.gemma4j.tensor.IQ4_XS;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** Rows of IQ4_XS. Stateless and thread-safe. */
final class IQ4_XSRows implements RowKernel {
    private static final NibbleTable LEVELS = new NibbleTable(IQ4_NL::level);

    @Override
    public GgmlType type() {
        return GgmlType.IQ4_XS;
    }

    @Override
    public void dequantize(MemorySegment bytes, long byteOffset, float[] out, int outOffset, int elements) {
        requireWholeBlocks(type(), elements);
        long block = byteOffset;
        for (int at = outOffset; at < outOffset + elements; at += 256) {
            float d = f16(bytes, block);
            for (int g = 0; g < 8; g++) {
                FloatVector scale = splat(d * (IQ4_XS.scale(bytes, block + 2, g) - 32));
                for (int l = 0; l < 16; l += LANES) {
                    IntVector b = unsignedBytes(bytes, block + 8 + 16 * g + l);
                    LEVELS.of(low(b)).mul(scale).intoArray(out, at + 32 * g + l);
                    LEVELS.of(high(b)).mul(scale).intoArray(out, at + 32 * g + 16 + l);
                }
            }
            block += 136;
        }
    }

    @Override
    public float dot(MemorySegment bytes, long byteOffset, float[] x, int xOffset, int elements) {
        requireWholeBlocks(type(), elements);
        FloatVector sum0 = zero();
        FloatVector sum1 = zero();
        long block = byteOffset;
        for (int at = xOffset; at < xOffset + elements; at += 256) {
            float d = f16(bytes, block);
            for (int g = 0; g < 8; g++) {
                FloatVector scale = splat(d * (IQ4_XS.scale(bytes, block + 2, g) - 32));
                for (int l = 0; l < 16; l += LANES) {
                    IntVector b = unsignedBytes(bytes, block + 8 + 16 * g + l);
                    sum0 = LEVELS.of(low(b)).mul(scale).fma(floats(x, at + 32 * g + l), sum0);
                    sum1 = LEVELS.of(high(b)).mul(scale).fma(floats(x, at + 32 * g + 16 + l), sum1);
                }
            }
            block += 136;
        }
        return sum(sum0, sum1);
    }
}
