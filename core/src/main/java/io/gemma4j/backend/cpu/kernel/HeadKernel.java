package io.gemma4j.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;

/** Writes and reads heads of keys or values as one type of key/value cache holds them. Stateless and thread-safe. */
public interface HeadKernel {

    /**
     * Writes one head; of a type that shares scales the same bytes as {@link io.gemma4j.backend.HeadQ8_0} and {@link io.gemma4j.backend.HeadTQ4}.
     *
     * @param x the elements, {@code x[xOffset .. xOffset + headDim - 1]}
     * @param to where to
     * @param byteOffset of the head in {@code to}
     */
    void store(float[] x, int xOffset, int headDim, MemorySegment to, long byteOffset);

    /**
     * Reads heads that lie one after the other, exactly.
     *
     * @param from where from
     * @param byteOffset of the first of them
     * @param heads how many
     * @param out receives them as {@code [heads][headDim]}
     * @param outOffset index of the first element
     */
    void load(MemorySegment from, long byteOffset, int heads, int headDim, float[] out, int outOffset);
}
