package io.gemma4j.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tukaani.xz.XZInputStream;

/** Runs on the whole vocabulary of Gemma 4, in a file that has no weights. */
class TokenizeCommandTest {
    private static final Path RESOURCES = Path.of("../core/src/test/resources/tokenizer");
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private static Path folder;
    private static String vocabulary;

    @BeforeAll
    static void unpack() throws Exception {
        Path file = folder.resolve("vocabulary.gguf");
        try (InputStream in = new XZInputStream(Files.newInputStream(RESOURCES.resolve("gemma4-vocab.gguf.xz")))) {
            Files.copy(in, file);
        }
        vocabulary = file.toString();
    }

    @Test
    void aVocabularyWithoutWeightsGivesTheReferenceIds() throws Exception {
        int compared = 0;
        for (JsonNode vector : JSON.readTree(RESOURCES.resolve("vectors.json").toFile())) {
            if (compared++ % 12 == 0) { // each run reads the vocabulary anew
                Path text = Files.writeString(folder.resolve("text"), vector.get("text").asText());
                CliRun run = CliRun.of("tokenize", "--model", vocabulary, "--text-file", text.toString(), "--no-bos");
                assertEquals(0, run.exitCode(), run.err());
                assertEquals(vector.get("ids"), JSON.readTree(run.out()), vector.get("text").asText());
            }
        }
        assertTrue(compared > 20);
    }

    @Test
    void theBeginningOfSequenceTokenGoesFirstUnlessLeftOut() throws Exception {
        CliRun with = CliRun.of("tokenize", "--model", vocabulary, "--text", "Hello world");
        assertEquals("[2,9259,1902]\n", with.out());
        assertEquals("[9259,1902]\n", CliRun.of("tokenize", "--model", vocabulary, "--text", "Hello world", "--no-bos").out());
    }

    @Test
    void whatLooksLikeAControlTokenOrAnOptionFileIsText() throws Exception {
        int[] ids = JSON.readValue(CliRun.of("tokenize", "--model", vocabulary, "--text=@<bos>", "--no-bos").out(), int[].class);
        assertTrue(ids.length > 2, "more than one token for '@' and one for '<bos>'");
        assertFalse(Arrays.stream(ids).anyMatch(id -> id == 2), "no control token");
    }
}
