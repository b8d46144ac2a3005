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
import static io.gemma4j.tensor.LittleEndian.u8;

import io.gemma4j.backend.cpu.kernel.RowKernel;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.MXFP4;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** Rows of MXFP4. Stateless and thread-safe. */
final class MXFP4Rows implements RowKernel {
    private static final NibbleTable VALUES = new NibbleTable(MXFP4::value);

    @Override
    public GgmlType type() {
        return GgmlType.MXFP4;
    }

    @Override
    public void dequantize(MemorySegment bytes, long byteOffset, float[] out, int outOffset, int elements) {
        requireWholeBlocks(type(), elements);
        long block = byteOffset;
        for (int at = outOffset; at < outOffset + elements; at += 32) {
            FloatVector scale = splat(MXFP4.halfE8m0(u8(bytes, block)));
            for (int l = 0; l < 16; l += LANES) {
                IntVector b = unsignedBytes(bytes, block + 1 + l);
                VALUES.of(low(b)).mul(scale).intoArray(out, at + l);
                VALUES.of(high(b)).mul(scale).intoArray(out, at + 16 + l);
            }
            block += 17;
        }
    }

    @Override
    public float dot(MemorySegment bytes, long byteOffset, float[] x, int xOffset, int elements) {
        requireWholeBlocks(type(), elements);
        FloatVector sum0 = zero();
        FloatVector sum1 = zero();
        long block = byteOffset;
        for (int at = xOffset; at < xOffset + elements; at += 32) {
            FloatVector scale = splat(MXFP4.halfE8m0(u8(bytes, block)));
            for (int l = 0; l < 16; l += LANES) {
                IntVector b = unsignedBytes(bytes, block + 1 + l);
                sum0 = VALUES.of(low(b)).mul(scale).fma(floats(x, at + l), sum0);
                sum1 = VALUES.of(high(b)).mul(scale).fma(floats(x, at + 16 + l), sum1);
            }
            block += 17;
        }
        return sum(sum0, sum1);
    }
}
