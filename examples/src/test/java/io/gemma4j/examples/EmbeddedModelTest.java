package io.gemma4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class EmbeddedModelTest {

    @Test
    void eachCallExtractsTheSameModelToAFileOfItsOwn() throws Exception {
        Path first = EmbeddedModel.extract();
        Path second = EmbeddedModel.extract();
        assertNotEquals(first, second);
        for (Path file : new Path[] {first, second}) {
            assertEquals(-1, Files.mismatch(Path.of("../core/src/test/resources/fixtures/dense-mini-Q4_K_M.gguf"), file));
        }
    }
}
