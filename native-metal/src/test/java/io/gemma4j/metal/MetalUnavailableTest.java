package io.gemma4j.metal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Backend;
import io.gemma4j.BackendUnavailableException;
import io.gemma4j.Gemma4;
import io.gemma4j.LoadOptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** A system without Metal, in a process of its own where no other is loaded. */
@DisabledOnOs(OS.MAC)
class MetalUnavailableTest {
    private static final Path MODEL = Path.of("../core/src/test/resources/fixtures/dense-mini-Q4_K_M.gguf");

    /** Loads a model with Metal, then with what is there. */
    static final class LoadsModels {
        private LoadsModels() {}

        /** Prints the reason, then the backend. */
        public static void main(String[] arguments) throws IOException {
            try (Gemma4 model = Gemma4.load(MODEL, LoadOptions.defaults().backend(Backend.METAL))) {
                System.out.println("loaded " + model.info().backend());
            } catch (BackendUnavailableException e) {
                System.out.println("unavailable: " + e.attempts().getFirst().reason());
            }
            try (Gemma4 model = Gemma4.load(MODEL, LoadOptions.defaults().contextTokens(16))) {
                System.out.println("chosen: " + model.info().backend());
            }
        }
    }

    @Test
    void theReasonNamesTheSystemAndTheAutomaticChoiceRunsOnTheProcessor() throws Exception {
        List<String> command = List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--enable-native-access=ALL-UNNAMED", "-cp",
                System.getProperty("java.class.path"), LoadsModels.class.getName());
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        assertTrue(output.contains("unavailable: Metal is a part of macOS, this is " + System.getProperty("os.name")), output);
        assertTrue(output.contains("chosen: cpu"), output);
    }
}
