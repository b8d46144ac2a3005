package io.gemma4j.tensor;

import static io.gemma4j.tensor.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

/** The two 4-bit halves of a byte, and how 32-element blocks spread over them. */
final class Nibbles {
    private Nibbles() {}

    static int low(int b) {
        return b & 15;
    }

    static int high(int b) {
        return b >>> 4 & 15;
    }

    /** Element {@code e} of a block of 32 in 16 bytes: the low halves hold the first 16 elements, the high halves the rest. */
    static int ofBlock32(MemorySegment bytes, long quants, int e) {
        return e < 16 ? low(u8(bytes, quants + e)) : high(u8(bytes, quants + e - 16));
    }

    /** As {@link #ofBlock32} with a fifth, most significant bit per element in the 32 bits at {@code fifthBits}. */
    static int withFifthBit(MemorySegment bytes, long fifthBits, long quants, int e) {
        int fifth = LittleEndian.i32(bytes, fifthBits) >>> e & 1;
        return ofBlock32(bytes, quants, e) | fifth << 4;
    }
}
