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

    /** Writes what {@link #ofBlock32} reads: the lowest four bits of {@code quants[0 .. 31]}. */
    static void putBlock32(int[] quants, MemorySegment bytes, long offset) {
        putPairs(quants, 0, 16, bytes, offset, 16);
    }

    /** Writes what {@link #withFifthBit} reads: {@code quants[0 .. 31]} of five bits each. */
    static void putWithFifthBit(int[] quants, MemorySegment bytes, long fifthBits, long offset) {
        int fifth = 0;
        for (int e = 0; e < 32; e++) {
            fifth |= (quants[e] >>> 4 & 1) << e;
        }
        LittleEndian.putI32(bytes, fifthBits, fifth);
        putBlock32(quants, bytes, offset);
    }

    /** Writes {@code count} bytes: the low halves from {@code quants[lowAt]} on, the high ones from {@code quants[highAt]} on. */
    static void putPairs(int[] quants, int lowAt, int highAt, MemorySegment bytes, long offset, int count) {
        for (int i = 0; i < count; i++) {
            LittleEndian.putU8(bytes, offset + i, quants[lowAt + i] & 15 | (quants[highAt + i] & 15) << 4);
        }
    }
}
