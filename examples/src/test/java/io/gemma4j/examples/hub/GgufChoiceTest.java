package io.gemma4j.examples.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.FileNotFoundException;
import java.util.List;
import org.junit.jupiter.api.Test;

class GgufChoiceTest {
    private static final List<String> NAMES = List.of("README.md", "gemma-4-31B-it-Q4_K_M.gguf", "gemma-4-31B-it-Q4_K_S.gguf", "gemma-4-31B-it-Q8_0.gguf",
            "mmproj-gemma-4-Q8_0.gguf", "BF16/gemma-4-31B-it-BF16-00001-of-00002.gguf", "BF16/gemma-4-31B-it-BF16-00002-of-00002.gguf");

    private static List<String> choose(String reference, List<String> names) throws FileNotFoundException {
        return GgufChoice.choose(HubReference.parse(reference), names);
    }

    @Test
    void aQuantizationIsFoundByItsName() throws Exception {
        assertEquals(List.of("gemma-4-31B-it-Q8_0.gguf"), choose("hf:o/r:q8_0", NAMES));
        assertEquals(List.of("gemma-4-31B-it-Q4_K_S.gguf"), choose("hf:o/r:Q4_K_S", NAMES));
        assertEquals(NAMES.subList(5, 7), choose("hf:o/r:BF16", NAMES));
    }

    @Test
    void aFileIsFoundByItsName() throws Exception {
        assertEquals(List.of("gemma-4-31B-it-Q8_0.gguf"), choose("hf:o/r:gemma-4-31B-it-Q8_0.gguf", NAMES));
        assertEquals(List.of("a.gguf"), choose("hf:o/r:a.gguf", List.of("a.gguf", "a-b.gguf")));
    }

    @Test
    void withoutAWishASmallOneIsTaken() throws Exception {
        assertEquals(List.of("gemma-4-31B-it-Q4_K_M.gguf"), choose("hf:o/r", NAMES));
        assertEquals(List.of("only-IQ4_XS.gguf"), choose("hf:o/r", List.of("only-IQ4_XS.gguf")));
    }

    @Test
    void whatIsNotThereOrNotClearIsRefusedWithWhatThereIs() {
        String missing = assertThrows(FileNotFoundException.class, () -> choose("hf:o/r:Q4_K", NAMES)).getMessage();
        assertTrue(missing.startsWith("o/r: expected a GGUF file for Q4_K, found BF16/gemma-4-31B-it-BF16, gemma-4-31B-it-Q4_K_M, "), missing);
        assertTrue(assertThrows(FileNotFoundException.class, () -> choose("hf:o/r:Q8_0", List.of("a-Q8_0.gguf", "b-Q8_0.gguf"))).getMessage()
                .contains("expected one GGUF file for Q8_0, found a-Q8_0, b-Q8_0"));
        assertTrue(assertThrows(FileNotFoundException.class, () -> choose("hf:o/r", List.of("a-F16.gguf", "b-F16.gguf"))).getMessage().contains("a-F16, b-F16"));
        assertTrue(assertThrows(FileNotFoundException.class, () -> choose("hf:o/r", List.of("README.md"))).getMessage().contains("found no GGUF file"));
        assertTrue(assertThrows(FileNotFoundException.class, () -> choose("hf:o/r:BF16", NAMES.subList(0, 6))).getMessage()
                .contains("expected 2 parts of BF16/gemma-4-31B-it-BF16, found 1"));
    }
}
