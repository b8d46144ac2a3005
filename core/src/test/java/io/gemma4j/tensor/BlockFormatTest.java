package io.gemma4j.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Assume;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

class BlockFormatTest {

    @Provide
    Arbitrary<GgmlType> types() {
        return Arbitraries.of(RandomBlocks.types());
    }

    @Property(tries = 2000)
    void everyElementHasTheBitsOfTheTable(
            @ForAll("types") GgmlType type,
            @ForAll @IntRange(min = 1, max = 5) int blocks,
            @ForAll @IntRange(max = 9) int offset,
            @ForAll long seed) {
        byte[] bytes = RandomBlocks.arbitrary(type, blocks, new Random(seed));
        float[] out = new float[blocks * type.blockElements() + 3];
        BlockFormat format = BlockFormats.of(type).orElseThrow();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(offset + bytes.length);
            MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, offset, bytes.length);
            format.dequantize(segment, offset, out, 3, out.length - 3);
        }
        for (int i = 3; i < out.length; i++) {
            int block = (i - 3) / type.blockElements();
            byte[] one = Arrays.copyOfRange(bytes, block * type.blockBytes(), (block + 1) * type.blockBytes());
            float expected = BlockTable.value(type, one, (i - 3) % type.blockElements());
            assertEquals(Float.floatToIntBits(expected), Float.floatToIntBits(out[i]), () -> type + " seed " + seed);
        }
        assertArrayEquals(new float[3], Arrays.copyOf(out, 3));
    }

    @Property
    void partOfABlockIsRefused(@ForAll("types") GgmlType type, @ForAll @IntRange(min = 1, max = 600) int elements) {
        Assume.that(elements % type.blockElements() != 0);
        BlockFormat format = BlockFormats.of(type).orElseThrow();
        MemorySegment bytes = MemorySegment.ofArray(new byte[4096]);
        assertThrows(IllegalArgumentException.class, () -> format.dequantize(bytes, 0, new float[600], 0, elements));
    }

    @Property
    void bytesBeyondTheSegmentAreRefused(@ForAll("types") GgmlType type) {
        BlockFormat format = BlockFormats.of(type).orElseThrow();
        MemorySegment bytes = MemorySegment.ofArray(new byte[2 * type.blockBytes() - 1]);
        int elements = 2 * type.blockElements();
        assertThrows(IndexOutOfBoundsException.class, () -> format.dequantize(bytes, 0, new float[elements], 0, elements));
    }
}
