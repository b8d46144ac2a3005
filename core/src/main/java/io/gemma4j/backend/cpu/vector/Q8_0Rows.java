package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.Lanes.floats;
import static io.gemma4j.backend.cpu.vector.Lanes.requireWholeBlocks;
import static io.gemma4j.backend.cpu.vector.Lanes.signedBytes;
import static io.gemma4j.backend.cpu.vector.Lanes.splat;
import static io.gemma4j.backend.cpu.vector.Lanes.sum;
import static io.gemma4j.backend.cpu.vector.Lanes.toFloats;
import static io.gemma4j.backend.cpu.vector.Lanes.zero;
import static io.gemma4j.backend.cpu.vector.VectorWidth.LANES;
import static io.gemma4j.tensor.LittleEndian.f16;

import io.gemma4j.backend.cpu.kernel.RowKernel;
import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** Rows of Q8_0. Stateless and thread-safe. */
final class Q8_0Rows implements RowKernel {

    @Override
    public GgmlType type() {
        return GgmlType.Q8_0;
    }

    @Override
    public void dequantize(MemorySegment bytes, long byteOffset, float[] out, int outOffset, int elements) {
        requireWholeBlocks(type(), elements);
        long block = byteOffset;
        for (int at = outOffset; at < outOffset + elements; at += 32) {
            FloatVector d = splat(f16(bytes, block));
            for (int l = 0; l < 16; l += LANES) {
                toFloats(signedBytes(bytes, block + 2 + l)).mul(d).intoArray(out, at + l);
                toFloats(signedBytes(bytes, block + 18 + l)).mul(d).intoArray(out, at + 16 + l);
            }
            block += 34;
        }
    }

    @Override
    public float dot(MemorySegment bytes, long byteOffset, float[] x, int xOffset, int elements) {
        requireWholeBlocks(type(), elements);
        FloatVector sum0 = zero();
        FloatVector sum1 = zero();
        long block = byteOffset;
        for (int at = xOffset; at < xOffset + elements; at += 32) {
            FloatVector d = splat(f16(bytes, block));
            for (int l = 0; l < 16; l += LANES) {
                sum0 = toFloats(signedBytes(bytes, block + 2 + l)).mul(d).fma(floats(x, at + l), sum0);
                sum1 = toFloats(signedBytes(bytes, block + 18 + l)).mul(d).fma(floats(x, at + 16 + l), sum1);
            }
            block += 34;
        }
        return sum(sum0, sum1);
    }
}
