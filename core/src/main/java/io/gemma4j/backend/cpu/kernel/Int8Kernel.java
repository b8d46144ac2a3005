package io.gemma4j.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;

/** Products of rows of one storage type with a row of 8-bit activations. Stateless and thread-safe. */
public interface Int8Kernel {

    /**
     * {@code out[r] = sum_k weight[r][k] * x[k]} for consecutive rows.
     *
     * @param bytes where the rows are
     * @param byteOffset start of the first
     * @param rowBytes from one row to the next
     */
    void dots(MemorySegment bytes, long byteOffset, long rowBytes, int rows, Int8Row x, int columns, float[] out, int outOffset);
}
