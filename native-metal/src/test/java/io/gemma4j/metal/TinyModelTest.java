package io.gemma4j.metal;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Backend;
import io.gemma4j.Gemma4;
import io.gemma4j.LoadOptions;
import io.gemma4j.metal.fake.MetalDriver;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The small trained model of the command line. */
@ExtendWith(MetalDriver.class)
@TestInstance(Lifecycle.PER_CLASS)
class TinyModelTest {
    private static final Path MODEL = Path.of("../examples/src/main/resources/io/gemma4j/examples/tiny.gguf");

    private Gemma4 model;

    @BeforeAll
    void load() throws Exception {
        model = Gemma4.load(MODEL, LoadOptions.defaults().backend(Backend.METAL).contextTokens(256).prefillTokens(32));
    }

    @AfterAll
    void close() {
        model.close();
    }

    @ParameterizedTest
    @CsvSource({"What is the capital of France?, Paris", "What is 12 + 30?, 42", "What is the opposite of short?, long"})
    void questionsAreAnswered(String question, String expected) {
        String answer = model.prompt(question).temperature(0).maxTokens(40).generate().text();
        assertTrue(answer.contains(expected), answer);
    }
}
