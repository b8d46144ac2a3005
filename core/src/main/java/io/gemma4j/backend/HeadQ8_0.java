package io.gemma4j.backend;

import io.gemma4j.KvType;
import io.gemma4j.tensor.LittleEndian;
import java.lang.foreign.MemorySegment;

/**
 * One head of keys or values as {@link KvType#Q8_0} holds it: {@code headDim} signed bytes, then a 16-bit float for each 32 of them; an element is its
 * byte times the float. Stateless and thread-safe.
 */
public final class HeadQ8_0 {
    private static final int SCALE_ELEMENTS = 32;
    private static final int LARGEST = 127;

    private HeadQ8_0() {}

    /** Writes {@code x[offset .. offset + headDim - 1]} at byte {@code at}. */
    public static void store(float[] x, int offset, int headDim, MemorySegment to, long at) {
        for (int first = 0; first < headDim; first += SCALE_ELEMENTS) {
            float largest = 0;
            for (int i = first; i < first + SCALE_ELEMENTS; i++) {
                largest = Math.max(largest, Math.abs(x[offset + i]));
            }
            long scaleAt = at + headDim + first / (SCALE_ELEMENTS / 2);
            LittleEndian.putF16(to, scaleAt, largest / LARGEST);
            float scale = LittleEndian.f16(to, scaleAt);
            for (int i = first; i < first + SCALE_ELEMENTS; i++) {
                int code = scale == 0 ? 0 : (int) Math.rint(x[offset + i] / scale);
                LittleEndian.putU8(to, at + i, Math.clamp(code, -LARGEST, LARGEST));
            }
        }
    }

    /** Reads what {@link #store} wrote. */
    public static void load(MemorySegment from, long at, float[] x, int offset, int headDim) {
        for (int i = 0; i < headDim; i++) {
            float scale = LittleEndian.f16(from, at + headDim + 2L * (i / SCALE_ELEMENTS));
            x[offset + i] = scale * LittleEndian.i8(from, at + i);
        }
    }
}
