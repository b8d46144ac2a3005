package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.Lanes.floats;
import static io.gemma4j.backend.cpu.vector.Lanes.sum;
import static io.gemma4j.backend.cpu.vector.Lanes.words;
import static io.gemma4j.backend.cpu.vector.Lanes.zero;
import static io.gemma4j.backend.cpu.vector.VectorWidth.LANES;
import static io.gemma4j.tensor.LittleEndian.f32;

import io.gemma4j.backend.cpu.kernel.RowKernel;
import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** Rows of binary32. Stateless and thread-safe. */
final class F32Rows implements RowKernel {

    @Override
    public GgmlType type() {
        return GgmlType.F32;
    }

    @Override
    public void dequantize(MemorySegment bytes, long byteOffset, float[] out, int outOffset, int elements) {
        int i = 0;
        for (; i <= elements - LANES; i += LANES) {
            words(bytes, byteOffset + 4L * i).intoArray(out, outOffset + i);
        }
        for (; i < elements; i++) {
            out[outOffset + i] = f32(bytes, byteOffset + 4L * i);
        }
    }

    @Override
    public float dot(MemorySegment bytes, long byteOffset, float[] x, int xOffset, int elements) {
        FloatVector sum0 = zero();
        FloatVector sum1 = zero();
        int i = 0;
        for (; i <= elements - 2 * LANES; i += 2 * LANES) {
            sum0 = words(bytes, byteOffset + 4L * i).fma(floats(x, xOffset + i), sum0);
            sum1 = words(bytes, byteOffset + 4L * (i + LANES)).fma(floats(x, xOffset + i + LANES), sum1);
        }
        float sum = sum(sum0, sum1);
        for (; i < elements; i++) {
            sum = Math.fma(f32(bytes, byteOffset + 4L * i), x[xOffset + i], sum);
        }
        return sum;
    }
}
