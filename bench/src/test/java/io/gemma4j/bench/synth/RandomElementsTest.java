package io.gemma4j.bench.synth;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.BlockFormats;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Statistics of what the library reads from the blocks. */
class RandomElementsTest {
    private static final int ELEMENTS = 256 * 400;

    private static float[] values(GgmlType type, Distribution distribution, long seed) {
        byte[] bytes = new byte[(int) type.rowBytes(ELEMENTS)];
        new RandomElements(seed).fill(type, distribution, 0, ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
        float[] values = new float[ELEMENTS];
        BlockFormats.require(type, "memory", "random").dequantize(MemorySegment.ofArray(bytes), 0, values, 0, ELEMENTS);
        return values;
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16", "Q4_0", "Q5_0", "Q8_0", "Q4_K", "Q6_K"})
    void elementsHaveTheDeviationAndNoMean(GgmlType type) {
        for (double deviation : new double[] {1, 1 / Math.sqrt(21_504)}) {
            float[] values = values(type, Distribution.symmetric(deviation), 7);
            double sum = 0;
            double squares = 0;
            for (float value : values) {
                sum += value;
                squares += (double) value * value;
            }
            assertEquals(deviation, Math.sqrt(squares / ELEMENTS), 0.03 * deviation);
            assertEquals(0, sum / ELEMENTS, 0.02 * deviation);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "Q4_K"})
    void aSeedAlwaysGivesTheSame(GgmlType type) {
        float[] values = values(type, Distribution.symmetric(1), 1);
        assertArrayEquals(values, values(type, Distribution.symmetric(1), 1));
        assertFalse(Arrays.equals(values, values(type, Distribution.symmetric(1), 2)));
    }

    @Test
    void ropeFactorsFreezeAllPairsButTheFirst() {
        float[] values = values(GgmlType.F32, Distribution.ropeFactors(64), 1);
        assertEquals(1f, values[63]);
        assertEquals(1e30f, values[64]);
    }

    @Test
    void quantizedTypesAreSymmetricOnly() {
        assertThrows(IllegalArgumentException.class, () -> values(GgmlType.Q4_0, Distribution.around(1), 1));
    }
}
