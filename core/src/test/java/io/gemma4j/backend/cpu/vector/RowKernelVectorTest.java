package io.gemma4j.backend.cpu.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.backend.cpu.kernel.RowKernel;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.BlockFormats;
import io.gemma4j.tensor.RandomBlocks;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Assume;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

class RowKernelVectorTest {
    /** Relative to the sum of the absolute products; a single lost or misplaced weight of a thousand is a hundred times more. */
    private static final double DOT_BOUND = 2e-6;

    @Provide
    Arbitrary<GgmlType> types() {
        return Arbitraries.of(RandomBlocks.types());
    }

    @Property(tries = 1500)
    void decodedRowsHaveTheBitsOfTheDefinition(
            @ForAll("types") GgmlType type,
            @ForAll @IntRange(min = 1, max = 37) int blocks,
            @ForAll @IntRange(max = 9) int offset,
            @ForAll boolean heap,
            @ForAll long seed) {
        byte[] bytes = RandomBlocks.arbitrary(type, blocks, new Random(seed));
        int elements = blocks * type.blockElements();
        float[] expected = new float[elements];
        BlockFormats.of(type).orElseThrow().dequantize(MemorySegment.ofArray(bytes), 0, expected, 0, elements);
        float[] out = new float[2 + elements];
        try (Arena arena = Arena.ofConfined()) {
            VectorRows.of(type).dequantize(place(bytes, offset, heap, arena), offset, out, 2, elements);
        }
        for (int i = 0; i < elements; i++) {
            int at = i;
            assertEquals(Float.floatToIntBits(expected[i]), Float.floatToIntBits(out[2 + i]), () -> type + " element " + at + " seed " + seed);
        }
    }

    @Property(tries = 1500)
    void dotAgreesWithTheSumInDoublePrecision(
            @ForAll("types") GgmlType type,
            @ForAll @IntRange(max = 18) int half,
            @ForAll @IntRange(max = 9) int offset,
            @ForAll boolean heap,
            @ForAll long seed) {
        Random random = new Random(seed);
        int blocks = 2 * half + 1;
        byte[] bytes = RandomBlocks.moderate(type, blocks, random);
        int elements = blocks * type.blockElements();
        float[] weights = new float[elements];
        BlockFormats.of(type).orElseThrow().dequantize(MemorySegment.ofArray(bytes), 0, weights, 0, elements);
        float[] x = new float[3 + elements];
        double expected = 0;
        double magnitude = 0;
        for (int i = 0; i < elements; i++) {
            x[3 + i] = random.nextFloat(-1f, 1f);
            expected += (double) weights[i] * x[3 + i];
            magnitude += Math.abs((double) weights[i] * x[3 + i]);
        }
        double dot;
        try (Arena arena = Arena.ofConfined()) {
            dot = VectorRows.of(type).dot(place(bytes, offset, heap, arena), offset, x, 3, elements);
        }
        double error = Math.abs(dot - expected);
        assertTrue(error <= DOT_BOUND * magnitude, type + " [" + elements + "]: " + dot + " instead of " + expected + ", seed " + seed);
    }

    @Property(tries = 64)
    void everyTypeHasItsOwnKernel(@ForAll("types") GgmlType type) {
        assertEquals(type, VectorRows.of(type).type());
    }

    @Property(tries = 64)
    void partOfABlockIsRefused(@ForAll("types") GgmlType type) {
        Assume.that(type.blockElements() > 1);
        RowKernel kernel = VectorRows.of(type);
        MemorySegment bytes = MemorySegment.ofArray(new byte[4096]);
        int elements = type.blockElements() + 1;
        assertThrows(IllegalArgumentException.class, () -> kernel.dequantize(bytes, 0, new float[600], 0, elements));
        assertThrows(IllegalArgumentException.class, () -> kernel.dot(bytes, 0, new float[600], 0, elements));
    }

    @Property(tries = 64)
    void bytesBeyondTheSegmentAreRefused(@ForAll("types") GgmlType type) {
        RowKernel kernel = VectorRows.of(type);
        int elements = 33 * type.blockElements();
        MemorySegment bytes = MemorySegment.ofArray(new byte[33 * type.blockBytes() - 1]);
        assertThrows(IndexOutOfBoundsException.class, () -> kernel.dequantize(bytes, 0, new float[elements], 0, elements));
        assertThrows(IndexOutOfBoundsException.class, () -> kernel.dot(bytes, 0, new float[elements], 0, elements));
    }

    /** The bytes at {@code offset} of a segment that ends with them, so that reading further throws. */
    private static MemorySegment place(byte[] bytes, int offset, boolean heap, Arena arena) {
        MemorySegment segment = heap ? MemorySegment.ofArray(new byte[offset + bytes.length]) : arena.allocate(offset + bytes.length);
        MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, offset, bytes.length);
        return segment;
    }
}
