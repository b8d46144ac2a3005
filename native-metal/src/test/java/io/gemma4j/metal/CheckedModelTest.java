package io.gemma4j.metal;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Backend;
import io.gemma4j.Gemma4;
import io.gemma4j.KvType;
import io.gemma4j.LoadOptions;
import io.gemma4j.Session;
import io.gemma4j.metal.fake.MetalDriver;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole models with every access to memory checked: kernels meet the shapes and the neighbours there that they have in a layer. */
@ExtendWith(MetalDriver.class)
class CheckedModelTest {
    private static final Path FIXTURES = Path.of("../core/src/test/resources/fixtures");

    @ParameterizedTest
    @CsvSource({"dense-mini-Q4_K_M, F16", "elastic-mini-Q8_0, F16", "moe-mini-Q4_K_M, F16", "dense-mini-Q4_K_M, Q8_0", "elastic-mini-Q8_0, TQ4",
        "moe-mini-Q4_K_M, TQ4"})
    void aPromptAndATokenAreComputedWithoutARaceOrAnAccessOutOfBounds(String name, KvType kv) throws Exception {
        LoadOptions options = LoadOptions.defaults().backend(Backend.METAL).kvType(kv).contextTokens(32).prefillTokens(16);
        float[] expected;
        try (Gemma4 model = Gemma4.load(FIXTURES.resolve(name + ".gguf"), options); Session session = model.newSession()) {
            expected = session.feed(2, 10, 11, 12, 13, 14, 15, 16, 17).feed(18).logits().toArray();
        }
        MetalDriver.fake().setChecked(true);
        try (Gemma4 model = Gemma4.load(FIXTURES.resolve(name + ".gguf"), options); Session session = model.newSession()) {
            float[] actual = session.feed(2, 10, 11, 12, 13, 14, 15, 16, 17).feed(18).logits().toArray();
            // Compiled for checking, sums may be rounded at other places.
            double error = GoldenModel.relativeL2(actual, expected);
            assertTrue(error <= 1e-3, "relative L2 " + error);
        }
    }
}
