package io.gemma4j.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Checks UTF-8 in place, without decoding it: Unicode 16.0, table 3-7 (well-formed byte sequences). */
final class Utf8 {
    private static final long HIGH_BITS = 0x8080808080808080L;

    private Utf8() {}

    /** Position of the first byte in {@code [from, to)} at which no well-formed character starts, or {@code to} where there is none. */
    static long firstMalformed(MemorySegment segment, long from, long to) {
        long at = from;
        while (at < to) {
            if (to - at >= Long.BYTES && (segment.get(LittleEndian.LONG, at) & HIGH_BITS) == 0) {
                at += Long.BYTES;
                continue;
            }
            int bytes = characterBytes(segment, at, to);
            if (bytes == 0) {
                return at;
            }
            at += bytes;
        }
        return to;
    }

    /** Bytes of the well-formed character at {@code at}, or 0. */
    private static int characterBytes(MemorySegment segment, long at, long to) {
        int lead = unsigned(segment, at);
        if (lead < 0x80) {
            return 1;
        }
        int bytes = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
        if (bytes == 0 || to - at < bytes) {
            return 0;
        }
        // The second byte's range excludes overlong forms, surrogates and code points above U+10FFFF.
        int low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        int high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        int second = unsigned(segment, at + 1);
        if (second < low || second > high) {
            return 0;
        }
        for (int i = 2; i < bytes; i++) {
            if ((unsigned(segment, at + i) & 0xC0) != 0x80) {
                return 0;
            }
        }
        return bytes;
    }

    private static int unsigned(MemorySegment segment, long at) {
        return Byte.toUnsignedInt(segment.get(ValueLayout.JAVA_BYTE, at));
    }
}
