package io.gemma4j.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.ModelFormatException;
import io.gemma4j.gguf.GgmlType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BlockFormatsTest {

    @ParameterizedTest
    @EnumSource(names = {
        "F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "MXFP4"
    })
    void weightTypesHaveAFormatOfTheirOwn(GgmlType type) {
        assertTrue(BlockFormats.supports(type));
        assertEquals(type, BlockFormats.of(type).orElseThrow().type());
        assertEquals(type, BlockFormats.require(type, "a.gguf", "t").type());
    }

    @ParameterizedTest
    @EnumSource(names = {"IQ1_S", "Q8_1", "I32", "TQ1_0"})
    void otherTypesHaveNone(GgmlType type) {
        assertFalse(BlockFormats.supports(type));
        assertTrue(BlockFormats.of(type).isEmpty());
    }

    @Test
    void aRequiredTypeThatIsMissingNamesFileTensorTypeAndTheSupportedTypes() {
        ModelFormatException e = assertThrows(
                ModelFormatException.class, () -> BlockFormats.require(GgmlType.IQ1_S, "model.gguf", "blk.0.ffn_up.weight"));
        for (String part : new String[] {"model.gguf", "'blk.0.ffn_up.weight'", "IQ1_S", "Q4_K", "MXFP4"}) {
            assertTrue(e.getMessage().contains(part), e.getMessage());
        }
    }
}
