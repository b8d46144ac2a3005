package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.Lanes.f16Floats;
import static io.gemma4j.backend.cpu.vector.Lanes.floats;
import static io.gemma4j.backend.cpu.vector.Lanes.halfWords;
import static io.gemma4j.backend.cpu.vector.Lanes.sum;
import static io.gemma4j.backend.cpu.vector.Lanes.zero;
import static io.gemma4j.backend.cpu.vector.VectorWidth.LANES;
import static io.gemma4j.tensor.LittleEndian.f16;

import io.gemma4j.backend.cpu.kernel.RowKernel;
import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** Rows of binary16. Stateless and thread-safe. */
final class F16Rows implements RowKernel {

    @Override
    public GgmlType type() {
        return GgmlType.F16;
    }

    @Override
    public void dequantize(MemorySegment bytes, long byteOffset, float[] out, int outOffset, int elements) {
        int i = 0;
        for (; i <= elements - LANES; i += LANES) {
            f16Floats(halfWords(bytes, byteOffset + 2L * i)).intoArray(out, outOffset + i);
        }
        for (; i < elements; i++) {
            out[outOffset + i] = f16(bytes, byteOffset + 2L * i);
        }
    }

    @Override
    public float dot(MemorySegment bytes, long byteOffset, float[] x, int xOffset, int elements) {
        FloatVector sum0 = zero();
        FloatVector sum1 = zero();
        int i = 0;
        for (; i <= elements - 2 * LANES; i += 2 * LANES) {
            sum0 = f16Floats(halfWords(bytes, byteOffset + 2L * i)).fma(floats(x, xOffset + i), sum0);
            sum1 = f16Floats(halfWords(bytes, byteOffset + 2L * (i + LANES))).fma(floats(x, xOffset + i + LANES), sum1);
        }
        float sum = sum(sum0, sum1);
        for (; i < elements; i++) {
            sum = Math.fma(f16(bytes, byteOffset + 2L * i), x[xOffset + i], sum);
        }
        return sum;
    }
}
