package io.gemma4j.examples;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The model that comes with the examples, so that they run without a download. Thread-safe. */
public final class EmbeddedModel {
    /** What a user has to know about its answers, in one line. */
    public static final String NOTE =
            "no --model given: this is a small stand-in whose weights are random; it was never trained, so its answers are noise";

    private static final String RESOURCE = "dense-mini-Q4_K_M.gguf";

    private EmbeddedModel() {}

    /**
     * Copies the model to a temporary file, which is deleted when the JVM exits; on Windows only if nothing has it mapped then.
     *
     * @return a GGUF file of its own for each call
     * @throws IOException if the file cannot be written
     */
    public static Path extract() throws IOException {
        try (InputStream model = EmbeddedModel.class.getResourceAsStream(RESOURCE)) {
            if (model == null) {
                throw new FileNotFoundException("the embedded model " + RESOURCE + " is missing from the examples jar");
            }
            Path file = Files.createTempFile("gemma4-embedded-", ".gguf");
            file.toFile().deleteOnExit();
            Files.copy(model, file, StandardCopyOption.REPLACE_EXISTING);
            return file;
        }
    }
}
