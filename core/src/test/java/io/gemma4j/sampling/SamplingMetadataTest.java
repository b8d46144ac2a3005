package io.gemma4j.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.ModelFormatException;
import io.gemma4j.SamplingOptions;
import io.gemma4j.gguf.GgufMetadata;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SamplingMetadataTest {
    @Test
    void aFileThatSaysNothingGivesTheDefaults() {
        assertEquals(SamplingOptions.defaults(), read(Map.of("general.name", "x")));
    }

    @Test
    void everyKeyOverridesItsDefault() {
        SamplingOptions expected = SamplingOptions.defaults().temperature(1).topK(20).topP(0.5f).minP(0.125f).penaltyTokens(-1).repetitionPenalty(1.5f);
        assertEquals(expected, read(Map.of(
                "general.sampling.temp", 1f,
                "general.sampling.top_k", 20,
                "general.sampling.top_p", 0.5f,
                "general.sampling.min_p", 0.125f,
                "general.sampling.penalty_last_n", -1,
                "general.sampling.penalty_repeat", 1.5f)));
    }

    @Test
    void oneKeyLeavesTheOthersAtTheirDefaults() {
        assertEquals(SamplingOptions.defaults().topP(0.9f), read(Map.of("general.sampling.top_p", 0.9f)));
    }

    @Test
    void negativeTemperatureAndTopKAreOff() {
        assertEquals(SamplingOptions.defaults().temperature(0).topK(0), read(Map.of("general.sampling.temp", -1f, "general.sampling.top_k", -1)));
    }

    @Test
    void aValueOutOfRangeNamesFileKeyRangeAndValue() {
        for (Map.Entry<String, Object> bad : Map.<String, Object>of(
                "temp", Float.NaN, "top_p", 1.5f, "min_p", -0.5f, "penalty_last_n", -2, "penalty_repeat", 0f).entrySet()) {
            String key = "general.sampling." + bad.getKey();
            String message = assertThrows(ModelFormatException.class, () -> read(Map.of(key, bad.getValue()))).getMessage();
            assertTrue(message.startsWith("file.gguf: key '" + key + "': expected ") && message.contains(" must be ")
                    && message.endsWith("found " + bad.getValue()), message);
        }
    }

    @Test
    void aValueOfAnotherTypeNamesTheKey() {
        String message = assertThrows(ModelFormatException.class, () -> read(Map.of("general.sampling.temp", "warm"))).getMessage();
        assertTrue(message.contains("general.sampling.temp"), message);
    }

    private static SamplingOptions read(Map<String, Object> values) {
        return SamplingMetadata.read(new GgufMetadata("file.gguf", values));
    }
}
