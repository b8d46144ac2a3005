package io.gemma4j.backend.cpu.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.BlockFormat;
import io.gemma4j.tensor.BlockFormats;
import io.gemma4j.tensor.RandomBlocks;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

class ScalarRowsTest {
    /** Relative to the sum of the absolute products. */
    private static final double DOT_BOUND = 2e-6;

    @Provide
    Arbitrary<GgmlType> types() {
        return Arbitraries.of(RandomBlocks.types());
    }

    @Property(tries = 500)
    void dotAgreesWithTheSumInDoublePrecision(@ForAll("types") GgmlType type, @ForAll @IntRange(max = 20) int half, @ForAll long seed) {
        Random random = new Random(seed);
        int blocks = 2 * half + 1;
        byte[] bytes = RandomBlocks.moderate(type, blocks, random);
        MemorySegment segment = MemorySegment.ofArray(new byte[5 + bytes.length]);
        MemorySegment.copy(MemorySegment.ofArray(bytes), 0, segment, 5, bytes.length);
        int elements = blocks * type.blockElements();
        BlockFormat format = BlockFormats.of(type).orElseThrow();
        float[] weights = new float[elements];
        format.dequantize(segment, 5, weights, 0, elements);
        float[] x = new float[1 + elements];
        double expected = 0;
        double magnitude = 0;
        for (int i = 0; i < elements; i++) {
            x[1 + i] = random.nextFloat(-1f, 1f);
            expected += (double) weights[i] * x[1 + i];
            magnitude += Math.abs((double) weights[i] * x[1 + i]);
        }
        ScalarRows kernel = new ScalarRows(format);
        assertEquals(type, kernel.type());
        assertTrue(Math.abs(kernel.dot(segment, 5, x, 1, elements) - expected) <= DOT_BOUND * magnitude, type + " seed " + seed);
        float[] out = new float[elements];
        kernel.dequantize(segment, 5, out, 0, elements);
        assertArrayEquals(weights, out);
    }

    @Example
    void partOfABlockIsRefused() {
        ScalarRows kernel = new ScalarRows(BlockFormats.of(GgmlType.Q4_0).orElseThrow());
        assertThrows(IllegalArgumentException.class, () -> kernel.dot(MemorySegment.ofArray(new byte[36]), 0, new float[64], 0, 33));
    }
}
