package io.gemma4j.backend.cpu.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.gguf.GgmlType;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WidthVectorTest {

    @Test
    void thisJvmRunsAtTheWidthThatWasForced() {
        assertEquals(VectorWidth.bits(System.getProperty(VectorWidth.PROPERTY)), VectorWidth.BITS);
        assertEquals(VectorWidth.BITS, VectorWidth.FLOATS.vectorBitSize());
        assertEquals(VectorWidth.LANES, VectorWidth.INTS.length());
    }

    @ParameterizedTest
    @ValueSource(ints = {128, 256, 512})
    void widthsOfTheProcessorsAreAccepted(int bits) {
        assertEquals(bits, VectorWidth.bits(Integer.toString(bits)));
    }

    @Test
    void withoutTheOptionTheWidthIsOneOfThem() {
        assertTrue(List.of(128, 256, 512).contains(VectorWidth.bits(null)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "64", "1024", "wide"})
    void otherWidthsAreRefusedWithTheNameOfTheOption(String forced) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> VectorWidth.bits(forced));
        assertTrue(e.getMessage().contains(VectorWidth.PROPERTY) && e.getMessage().contains("'" + forced + "'"), e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"IQ1_S", "Q8_1", "I32"})
    void typesWithoutAKernelAreRefusedByName(String name) {
        GgmlType type = GgmlType.valueOf(name);
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> VectorRows.of(type));
        assertTrue(e.getMessage().contains(name), e.getMessage());
    }
}
