package io.gemma4j.tensor;

import static io.gemma4j.tensor.LittleEndian.u8;
import static io.gemma4j.tensor.Nibbles.high;
import static io.gemma4j.tensor.Nibbles.low;

import java.lang.foreign.MemorySegment;

/**
 * The 12 bytes in which Q4_K and Q5_K pack eight 6-bit scales and eight 6-bit minima, one pair per 32 elements: pairs 0 to 3 in the lower
 * six bits of bytes 0 to 3 and 4 to 7; of pairs 4 to 7 the lower four bits in bytes 8 to 11, the upper two on top of the earlier bytes.
 */
final class SixBitPairs {
    private SixBitPairs() {}

    static int scale(MemorySegment bytes, long packed, int group) {
        return group < 4
                ? u8(bytes, packed + group) & 63
                : low(u8(bytes, packed + group + 4)) | u8(bytes, packed + group - 4) >>> 6 << 4;
    }

    static int min(MemorySegment bytes, long packed, int group) {
        return group < 4
                ? u8(bytes, packed + group + 4) & 63
                : high(u8(bytes, packed + group + 4)) | u8(bytes, packed + group) >>> 6 << 4;
    }

    /** Writes what {@link #scale} and {@link #min} read: eight of each, from 0 to 63. */
    static void put(int[] scales, int[] mins, MemorySegment bytes, long packed) {
        for (int i = 0; i < 4; i++) {
            LittleEndian.putU8(bytes, packed + i, scales[i] | scales[i + 4] >>> 4 << 6);
            LittleEndian.putU8(bytes, packed + 4 + i, mins[i] | mins[i + 4] >>> 4 << 6);
            LittleEndian.putU8(bytes, packed + 8 + i, low(scales[i + 4]) | low(mins[i + 4]) << 4);
        }
    }
}
