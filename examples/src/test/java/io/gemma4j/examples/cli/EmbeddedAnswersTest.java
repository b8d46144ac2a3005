package io.gemma4j.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.gemma4j.examples.EmbeddedModel;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What users see first: the command line answers without a download. */
class EmbeddedAnswersTest {

    private static String answer(String prompt) {
        CliRun run = CliRun.of("generate", "--prompt", prompt, "--temperature", "0", "--max-tokens", "80", "--threads", "1");
        assertEquals(0, run.exitCode(), run.err());
        assertFalse(run.out().contains("<"), run.out());
        return run.out().strip();
    }

    @ParameterizedTest
    @CsvSource({"What is the capital of France?, Paris", "What is the capital of Italy?, Rome", "What is 12 + 30?, 42",
        "What is the opposite of short?, long", "'Sort these words alphabetically: white, duck, jacket', 'duck, jacket, white'"})
    void questionsAreAnswered(String question, String expected) {
        String answer = answer(question);
        assertTrue(answer.contains(expected), answer);
    }

    @Test
    void anAnswerEndsByItself() throws Exception {
        CliRun run = CliRun.of("generate", "--prompt", "Hello", "--temperature", "0", "--max-tokens", "200", "--json");
        assertEquals(0, run.exitCode(), run.err());
        assertEquals("STOP", new ObjectMapper().readTree(run.out()).get("finishReason").asText());
    }

    @Test
    void capitalsAreKnownAsReported() {
        CliRun run = CliRun.of("eval", "--threads", "1", "--skill", "capital", "--require", "90");
        assertEquals(0, run.exitCode(), run.out() + run.err());
    }

    /** A model without per-layer embeddings, whose full layers have no values of their own. */
    @Test
    void theDenseModelOfTheSameTrainingAnswersToo() {
        CliRun run = CliRun.of("eval", "--threads", "1", "--model", "src/test/resources/io/gemma4j/examples/tiny-dense-Q4_K_M.gguf",
                "--skill", "currency", "--require", "90");
        assertEquals(0, run.exitCode(), run.out() + run.err());
    }

    /** Documents of 207 to 1,427 tokens, with the word at six depths: most of it is read from codes. */
    @ParameterizedTest
    @CsvSource({"q8_0, src/main/resources/io/gemma4j/examples/tiny.gguf", "tq4, src/main/resources/io/gemma4j/examples/tiny.gguf",
        "q8_0, src/test/resources/io/gemma4j/examples/tiny-dense-Q4_K_M.gguf", "tq4, src/test/resources/io/gemma4j/examples/tiny-dense-Q4_K_M.gguf"})
    void aWordIsRecalledFromAnyDepthOfACompressedCache(String type, String model) {
        CliRun run = CliRun.of("eval", "--model", model, "--kv", type, "--skill", "recall", "--require", "100");
        assertEquals(0, run.exitCode(), run.out() + run.err());
    }

    @ParameterizedTest
    @CsvSource({"q8_0", "f16"})
    void theModelStillAnswersOnceItIsQuantizedAgain(String type, @TempDir Path folder) throws Exception {
        String out = folder.resolve("out.gguf").toString();
        assertEquals(0, CliRun.of("quantize", EmbeddedModel.file().toString(), out, "--type", type).exitCode());
        CliRun run = CliRun.of("eval", "--threads", "1", "--model", out, "--skill", "capital", "--require", "90");
        assertEquals(0, run.exitCode(), run.out() + run.err());
    }
}
