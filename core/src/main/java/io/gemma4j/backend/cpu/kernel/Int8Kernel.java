package io.gemma4j.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;

/** Products of rows of one storage type with a row of 8-bit activations. Stateless and thread-safe. */
public interface Int8Kernel {
    /** Elements of memory that {@link #dots} works in. */
    int SCRATCH = 256;

    /**
     * Elements of {@code x} that share a scale, 4, 8 or 16: so few that logits are no further from the reference than those of llama.cpp.
     */
    int group();

    /** Whether it multiplies rows of this many elements; whole blocks are not enough for every kernel. */
    default boolean takes(int columns) {
        return true;
    }

    /**
     * Lays activations out as {@link #dots} reads them. To be called by one thread after the row was filled and before others multiply with it.
     *
     * @param columns elements of a row: as many as {@code x} holds and a kernel {@link #takes}
     */
    void arrange(Int8Row x, int columns);

    /**
     * {@code out[r] = sum_k weight[r][k] * x[k]} for consecutive rows.
     *
     * @param bytes where the rows are, outside the Java heap
     * @param byteOffset start of the first
     * @param rowBytes from one row to the next
     * @param x laid out for this kernel
     * @param columns elements of a row; whole blocks, and as many as {@code x} was laid out for
     * @param scratch {@value #SCRATCH} elements, overwritten
     * @throws IllegalArgumentException for bytes on the Java heap, parts of a block, or rows that are shorter than {@code columns}
     * @throws IllegalStateException if the memory has been freed, or {@code x} is not laid out for this kernel
     * @throws IndexOutOfBoundsException for rows, activations or outputs out of range
     */
    void dots(MemorySegment bytes, long byteOffset, long rowBytes, int rows, Int8Row x, int columns, float[] out, int outOffset,
            float[] scratch);
}
