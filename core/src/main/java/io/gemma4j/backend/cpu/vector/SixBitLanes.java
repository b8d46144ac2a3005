package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.tensor.LittleEndian.i32;

import java.lang.foreign.MemorySegment;

/** The eight 6-bit scales and minima of a Q4_K or Q5_K block, one per byte of a long, all unpacked at once. Stateless and thread-safe. */
final class SixBitLanes {
    private SixBitLanes() {}

    static long scales(MemorySegment bytes, long packed) {
        int first = i32(bytes, packed);
        int last = i32(bytes, packed + 8);
        return join(first & 0x3F3F3F3F, last & 0x0F0F0F0F | first >>> 2 & 0x30303030);
    }

    static long mins(MemorySegment bytes, long packed) {
        int middle = i32(bytes, packed + 4);
        int last = i32(bytes, packed + 8);
        return join(middle & 0x3F3F3F3F, last >>> 4 & 0x0F0F0F0F | middle >>> 2 & 0x30303030);
    }

    static int get(long eight, int group) {
        return (int) (eight >>> 8 * group) & 63;
    }

    private static long join(int lower, int upper) {
        return (long) upper << 32 | lower;
    }
}
