package io.gemma4j.backend;

import io.gemma4j.KvType;
import io.gemma4j.tensor.LittleEndian;
import java.lang.foreign.MemorySegment;

/**
 * One head of keys or values as {@link KvType#Q8_0} holds it: {@code headDim} signed bytes, then a 16-bit float for each 32 of them; an element is its
 * byte times the float. Stateless and thread-safe.
 */
public final class HeadQ8_0 {
    private static final int LARGEST = 127;

    private HeadQ8_0() {}

    /** Writes {@code x[offset .. offset + headDim - 1]} at byte {@code at}. */
    public static void store(float[] x, int offset, int headDim, MemorySegment to, long at) {
        for (int first = 0; first < headDim; first += HeadScale.ELEMENTS) {
            float scale = HeadScale.store(x, offset + first, LARGEST, to, scaleAt(at, headDim, first));
            for (int i = first; i < first + HeadScale.ELEMENTS; i++) {
                int code = scale == 0 ? 0 : (int) Math.rint(x[offset + i] / scale);
                LittleEndian.putU8(to, at + i, Math.clamp(code, -LARGEST, LARGEST));
            }
        }
    }

    /** Reads what {@link #store} wrote. */
    public static void load(MemorySegment from, long at, float[] x, int offset, int headDim) {
        for (int i = 0; i < headDim; i++) {
            float scale = LittleEndian.f16(from, scaleAt(at, headDim, i));
            x[offset + i] = scale * LittleEndian.i8(from, at + i);
        }
    }

    private static long scaleAt(long at, int headDim, int i) {
        return at + headDim + 2L * (i / HeadScale.ELEMENTS);
    }
}
