package io.gemma4j.backend.cpu.vector;

/**
 * The first 16 bytes of a Q4_K or Q5_K block: f16 d, f16 dmin and eight 6-bit scales and minima, which are unpacked all at once into the
 * bytes of a long. They come as two longs, because every access to a segment costs the compiler much of what it allows a kernel.
 */
final class SixBitLanes {
    private SixBitLanes() {}

    static float d(long first) {
        return Float.float16ToFloat((short) first);
    }

    static float dmin(long first) {
        return Float.float16ToFloat((short) (first >>> 16));
    }

    static long scales(long first, long second) {
        long lower = first >>> 32;
        return lower & 0x3F3F3F3FL | (second & 0x0F0F0F0F_00000000L) | (lower & 0xC0C0C0C0L) << 30;
    }

    static long mins(long second) {
        return second & 0x3F3F3F3FL | (second >>> 4 & 0x0F0F0F0F_00000000L) | (second & 0xC0C0C0C0L) << 30;
    }

    static int get(long eight, int group) {
        return (int) (eight >>> 8 * group) & 63;
    }
}
