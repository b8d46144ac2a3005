package io.gemma4j.backend.cpu.kernel;

import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.LittleEndian;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Heads of floats: a head is a row of weights of the same type.
 *
 * @param rows kernel of F32 or F16
 */
public record FloatHeads(RowKernel rows) implements HeadKernel {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    @Override
    public void store(float[] x, int xOffset, int headDim, MemorySegment to, long byteOffset) {
        if (rows.type() == GgmlType.F32) {
            MemorySegment.copy(x, xOffset, to, FLOAT, byteOffset, headDim);
        } else {
            for (int i = 0; i < headDim; i++) {
                LittleEndian.putF16(to, byteOffset + 2L * i, x[xOffset + i]);
            }
        }
    }

    @Override
    public void load(MemorySegment from, long byteOffset, int heads, int headDim, float[] out, int outOffset) {
        rows.dequantize(from, byteOffset, out, outOffset, heads * headDim);
    }
}
