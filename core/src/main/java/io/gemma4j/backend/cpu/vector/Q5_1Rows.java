package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.Lanes.fifthBit;
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
import static io.gemma4j.tensor.LittleEndian.i32;

import io.gemma4j.backend.cpu.kernel.RowKernel;
import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** Rows of Q5_1. The product is exact, so that the fused multiply-add rounds once, as the definition does. Stateless and thread-safe. */
final class Q5_1Rows implements RowKernel {

    @Override
    public GgmlType type() {
        return GgmlType.Q5_1;
    }

    @Override
    public void dequantize(MemorySegment bytes, long byteOffset, float[] out, int outOffset, int elements) {
        requireWholeBlocks(type(), elements);
        long block = byteOffset;
        for (int at = outOffset; at < outOffset + elements; at += 32) {
            FloatVector d = splat(f16(bytes, block));
            FloatVector m = splat(f16(bytes, block + 2));
            int fifths = i32(bytes, block + 4);
            for (int l = 0; l < 16; l += LANES) {
                IntVector b = unsignedBytes(bytes, block + 8 + l);
                toFloats(low(b).or(fifthBit(fifths, l))).fma(d, m).intoArray(out, at + l);
                toFloats(high(b).or(fifthBit(fifths, 16 + l))).fma(d, m).intoArray(out, at + 16 + l);
            }
            block += 24;
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
            FloatVector m = splat(f16(bytes, block + 2));
            int fifths = i32(bytes, block + 4);
            for (int l = 0; l < 16; l += LANES) {
                IntVector b = unsignedBytes(bytes, block + 8 + l);
                sum0 = toFloats(low(b).or(fifthBit(fifths, l))).fma(d, m).fma(floats(x, at + l), sum0);
                sum1 = toFloats(high(b).or(fifthBit(fifths, 16 + l))).fma(d, m).fma(floats(x, at + 16 + l), sum1);
            }
            block += 24;
        }
        return sum(sum0, sum1);
    }
}
