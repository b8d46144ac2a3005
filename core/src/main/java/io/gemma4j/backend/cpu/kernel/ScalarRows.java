package io.gemma4j.backend.cpu.kernel;

import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.BlockFormat;
import io.gemma4j.tensor.BlockFormats;
import java.lang.foreign.MemorySegment;

/** Row kernel of any block format: decodes a piece of the row, then multiplies and adds. The specification of the faster kernels. */
public final class ScalarRows implements RowKernel {
    /** Elements decoded at a time: whole blocks of every format. */
    private static final int PIECE = 256;

    private final BlockFormat format;

    /**
     * Creates the kernel.
     *
     * @param format decodes the weights
     */
    public ScalarRows(BlockFormat format) {
        this.format = format;
    }

    /** The kernel of {@code type}, which {@link BlockFormats} supports. */
    public static ScalarRows of(GgmlType type) {
        return new ScalarRows(BlockFormats.of(type).orElseThrow());
    }

    @Override
    public GgmlType type() {
        return format.type();
    }

    @Override
    public void dequantize(MemorySegment bytes, long byteOffset, float[] out, int outOffset, int elements) {
        format.dequantize(bytes, byteOffset, out, outOffset, elements);
    }

    @Override
    public float dot(MemorySegment bytes, long byteOffset, float[] x, int xOffset, int elements) {
        float[] weights = new float[Math.min(elements, PIECE)];
        float[] sums = new float[4];
        for (int done = 0; done < elements; done += PIECE) {
            int piece = Math.min(PIECE, elements - done);
            format.dequantize(bytes, byteOffset + type().rowBytes(done), weights, 0, piece);
            for (int i = 0; i < piece; i++) {
                sums[i & 3] += weights[i] * x[xOffset + done + i];
            }
        }
        return (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }
}
