package io.gemma4j.backend.cpu.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class NativeMemoryVectorTest {
    private static final int BYTES = 1 << 16;

    @Property(tries = 100)
    void readsAheadButNotBeyondTheLast(@ForAll @IntRange(max = BYTES - 8) int at, @ForAll @IntRange(max = BYTES - 8) int lastAt) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = random(arena);
            long expected = memory.get(ValueLayout.JAVA_LONG_UNALIGNED, Math.min(at + 512, lastAt));
            assertEquals(expected, NativeMemory.ahead(memory.address() + at, memory.address() + lastAt));
        }
    }

    @Property(tries = 200)
    void readsFourLinesOfEachPageThatBeginsAPageAhead(@ForAll @IntRange(max = BYTES) int at, @ForAll @IntRange(max = 20_000) int bytes,
            @ForAll @IntRange(max = BYTES - 8) int lastAt) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = random(arena);
            long expected = 0;
            for (int page = 0; page < BYTES; page += 4096) {
                if (page >= at + 4096 && page < at + 4096 + bytes && page + 192 < lastAt) {
                    for (int line = 0; line < 4; line++) {
                        expected ^= memory.get(ValueLayout.JAVA_LONG, page + 64 * line);
                    }
                }
            }
            assertEquals(expected, NativeMemory.pagesAhead(memory.address() + at, bytes, memory.address() + lastAt));
        }
    }

    @Property
    void keepingWhatWasReadChangesNothing(@ForAll long ahead, @ForAll int bits) {
        float[] out = {1, Float.intBitsToFloat(bits), 2};
        int expected = Float.floatToRawIntBits(out[1]);
        NativeMemory.keep(ahead, out, 0, 2);
        assertEquals(expected, Float.floatToRawIntBits(out[1]));
        NativeMemory.keep(ahead, out, 0, 0);
        assertEquals(1, out[0]);
        assertEquals(2, out[2]);
    }

    // Page aligned, so that offsets are pages where addresses are.
    private static MemorySegment random(Arena arena) {
        MemorySegment memory = arena.allocate(BYTES, 4096);
        byte[] bytes = new byte[BYTES];
        new Random(1).nextBytes(bytes);
        MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, BYTES);
        return memory;
    }
}
