package io.gemma4j.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;

/** Products of rows of one storage type with a row of 8-bit activations. Stateless and thread-safe. */
public interface Int8Kernel {

    /**
     * {@code out[r] = sum_k weight[r][k] * x[k]} for consecutive rows.
     *
     * @param bytes where the rows are, outside the Java heap
     * @param byteOffset start of the first
     * @param rowBytes from one row to the next
     * @param columns elements of a row; whole blocks, and as many as {@code x} holds
     * @throws IllegalArgumentException for bytes on the Java heap, parts of a block, or rows that are shorter than {@code columns}
     * @throws IllegalStateException if the memory has been freed
     * @throws IndexOutOfBoundsException for rows, activations or outputs out of range
     */
    void dots(MemorySegment bytes, long byteOffset, long rowBytes, int rows, Int8Row x, int columns, float[] out, int outOffset);
}
