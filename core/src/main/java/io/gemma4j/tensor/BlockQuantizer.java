package io.gemma4j.tensor;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/**
 * How numbers are put into the blocks of one storage type so that what {@link BlockFormat} reads back is close to them: the sum of squared errors
 * of a block is made small, all weights counting the same. The same numbers give the same bytes. Stateless and thread-safe.
 */
public interface BlockQuantizer {

    /** The storage type this quantizer writes. */
    GgmlType type();

    /** The greatest magnitude the type is used for; for types with 16-bit scales the greatest binary16 number, so that no scale overflows. */
    float greatest();

    /**
     * The first value that this type cannot take: one that is not a number, infinite or beyond {@link #greatest()}.
     *
     * @param values where the values are
     * @param offset index of the first one
     * @param elements how many
     * @return its index in {@code values}; -1 if there is none
     */
    default int findRefused(float[] values, int offset, int elements) {
        float greatest = greatest();
        for (int i = offset; i < offset + elements; i++) {
            if (!(Math.abs(values[i]) <= greatest)) {
                return i;
            }
        }
        return -1;
    }

    /**
     * Writes consecutive blocks.
     *
     * @param values the numbers
     * @param offset index of the first one
     * @param bytes where the blocks go
     * @param byteOffset start of the first block
     * @param elements how many numbers; a multiple of the block size
     * @throws IllegalArgumentException if {@code elements} is no multiple of the block size, or for a value that {@link #findRefused} finds, naming
     *     its place
     */
    void quantize(float[] values, int offset, MemorySegment bytes, long byteOffset, int elements);
}
