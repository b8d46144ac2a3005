package io.gemma4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Backend;
import io.gemma4j.Gemma4;
import io.gemma4j.KvType;
import io.gemma4j.LoadOptions;
import io.gemma4j.backend.KvLayerLayout;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KvLayoutTest {
    private static final String MODEL = "elastic-mini-Q8_0";

    @ParameterizedTest
    @EnumSource
    void onlyWhatGrowsWithTheTextIsCompressed(KvType type) {
        Gemma4Config config = Gemma4Config.of(RewrittenModel.of(MODEL).file());
        for (KvLayerLayout layout : KvLayout.of(config, 4096, 100, type).layers()) {
            boolean sliding = config.layers().get(layout.layer()).sliding();
            assertEquals(sliding && type.compressed() ? KvType.F16 : type, layout.type());
            // 191 before the first row of a step and 100 in it, in tiles of 64.
            assertEquals(!sliding && type == KvType.TQ4 ? 320 : 0, layout.tailSlots());
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"Q8_0", "TQ4"})
    void headsThatDoNotFillTheirScalesAreRefusedBeforeWeightsAreRead(KvType type) {
        RewrittenModel model = RewrittenModel.of(MODEL).put("gemma4.attention.key_length", 48).put("gemma4.attention.value_length", 48)
                .put("gemma4.rope.dimension_count", 48);
        LoadOptions options = LoadOptions.defaults().backend(Backend.CPU).kvType(type);
        Path file = model.path();
        for (String message : new String[] {
            assertThrows(IllegalArgumentException.class, () -> Gemma4.load(file, options).close()).getMessage(),
            assertThrows(IllegalArgumentException.class, () -> Gemma4.estimateMemory(file, options)).getMessage()
        }) {
            assertTrue(message.contains(type.name()) && message.contains("multiple of 32") && message.contains("have 48"), message);
        }
    }

    @Test
    void ofTwoHundredThousandTokensTheBytesAreThoseOfTheHeads() {
        KvLayerLayout layout = KvLayerLayout.of(5, 4, 512, 200_000, KvType.TQ4, 512);
        // Pages of 256: 782 of codes, and 3 of the tail's 704 slots; keys and values of 4 heads.
        assertEquals(2L * 4 * (782 * 256L * 288 + 3 * 256L * 1024), layout.bytes(200_000));
    }
}
