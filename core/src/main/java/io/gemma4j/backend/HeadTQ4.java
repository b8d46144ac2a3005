package io.gemma4j.backend;

import io.gemma4j.KvType;
import io.gemma4j.tensor.LittleEndian;
import java.lang.foreign.MemorySegment;

/**
 * One head of keys or values, turned by {@link HeadRotation} before, as {@link KvType#TQ4} holds it: 16 bytes for each 32 elements, then a 16-bit float
 * for each 32 of them. Byte {@code j} of a 16 holds the code of element {@code j} in its lower half and that of element {@code j + 16} in its upper;
 * an element is {@code level(code)} times the float. The levels are those with the least squared error for normally distributed elements, 32 to a scale
 * that follows from the largest of them: 0.66 % of the square of the vector. Stateless and thread-safe.
 */
public final class HeadTQ4 {
    private static final int HALF = HeadScale.ELEMENTS / 2;
    private static final byte[] LEVELS = {-127, -100, -79, -62, -47, -32, -19, -6, 6, 19, 32, 47, 62, 79, 100, 127};
    /** What the largest element of 32 would be if levels were elements: a little beyond the last level. */
    private static final float LARGEST = 131;

    private HeadTQ4() {}

    /** The value of a code of 0 to 15, before scaling. */
    public static int level(int code) {
        return LEVELS[code];
    }

    /** Writes {@code x[offset .. offset + headDim - 1]} at byte {@code at}. */
    public static void store(float[] x, int offset, int headDim, MemorySegment to, long at) {
        for (int first = 0; first < headDim; first += HeadScale.ELEMENTS) {
            float scale = HeadScale.store(x, offset + first, LARGEST, to, scaleAt(at, headDim, first));
            for (int j = 0; j < HALF; j++) {
                int low = code(x[offset + first + j], scale);
                int high = code(x[offset + first + j + HALF], scale);
                LittleEndian.putU8(to, at + first / 2 + j, low | high << 4);
            }
        }
    }

    /** Reads what {@link #store} wrote; still rotated. */
    public static void load(MemorySegment from, long at, float[] x, int offset, int headDim) {
        for (int first = 0; first < headDim; first += HeadScale.ELEMENTS) {
            float scale = LittleEndian.f16(from, scaleAt(at, headDim, first));
            for (int j = 0; j < HALF; j++) {
                int both = LittleEndian.u8(from, at + first / 2 + j);
                x[offset + first + j] = scale * LEVELS[both & 15];
                x[offset + first + j + HALF] = scale * LEVELS[both >> 4];
            }
        }
    }

    private static long scaleAt(long at, int headDim, int first) {
        return at + headDim / 2 + first / HALF;
    }

    /** The nearest level: as many as there are means of neighbouring levels, times the scale, below {@code x}. */
    private static int code(float x, float scale) {
        int code = 0;
        while (code < LEVELS.length - 1 && x > scale * (0.5f * (LEVELS[code] + LEVELS[code + 1]))) {
            code++;
        }
        return code;
    }
}
