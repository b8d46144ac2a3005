package io.gemma4j.backend.cpu.kernel;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/**
 * What the CPU does with a run of weights of one storage type: decode it, or multiply it with a vector. Elements come in whole blocks; the
 * bytes may lie at any offset of a heap or native segment. Stateless and thread-safe. Methods throw {@link IllegalArgumentException} for a
 * part of a block and {@link IndexOutOfBoundsException} for bytes or floats out of range.
 */
public interface RowKernel {

    /** The storage type this kernel reads. */
    GgmlType type();

    /**
     * Decodes consecutive elements, bit-equal to {@link io.gemma4j.tensor.BlockFormat#dequantize}.
     *
     * @param bytes where the blocks are
     * @param byteOffset start of the first block
     * @param out receives the values
     * @param outOffset index of the first value in {@code out}
     * @param elements how many; a multiple of the block size
     */
    void dequantize(MemorySegment bytes, long byteOffset, float[] out, int outOffset, int elements);

    /**
     * The dot product of consecutive weights with {@code x}, accumulated in f32 in an order of the kernel's own.
     *
     * @param bytes where the blocks are
     * @param byteOffset start of the first block
     * @param x the other factor
     * @param xOffset index of its first value
     * @param elements how many; a multiple of the block size
     * @return the sum of the products
     */
    float dot(MemorySegment bytes, long byteOffset, float[] x, int xOffset, int elements);
}
