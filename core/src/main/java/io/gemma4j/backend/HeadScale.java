package io.gemma4j.backend;

import io.gemma4j.tensor.LittleEndian;
import java.lang.foreign.MemorySegment;

/** The scales of compressed heads, each a 16-bit float for a block of {@value #ELEMENTS} elements. */
final class HeadScale {
    /** Elements that share a scale. */
    static final int ELEMENTS = 32;

    private HeadScale() {}

    /**
     * Writes the scale with which the largest element of a block, {@code x[first .. first + 31]}, becomes {@code largestCode}.
     *
     * @return the scale as it was rounded, by which elements are to be divided
     */
    static float store(float[] x, int first, float largestCode, MemorySegment to, long at) {
        float largest = 0;
        for (int i = first; i < first + ELEMENTS; i++) {
            largest = Math.max(largest, Math.abs(x[i]));
        }
        LittleEndian.putF16(to, at, largest / largestCode);
        return LittleEndian.f16(to, at);
    }
}
