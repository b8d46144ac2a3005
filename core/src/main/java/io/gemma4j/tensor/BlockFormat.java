package io.gemma4j.tensor;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/**
 * How one storage type turns bytes into numbers. The implementations here are the specification: plain, scalar, bit-exact; faster code
 * elsewhere is tested against them. Stateless and thread-safe.
 */
public interface BlockFormat {

    /** The storage type this format decodes. */
    GgmlType type();

    /**
     * Decodes consecutive elements.
     *
     * @param bytes where the blocks are
     * @param byteOffset start of the first block
     * @param out receives the values
     * @param outOffset index of the first value in {@code out}
     * @param elements how many; a multiple of the block size
     */
    void dequantize(MemorySegment bytes, long byteOffset, float[] out, int outOffset, int elements);
}
