package io.gemma4j.examples;

import io.gemma4j.Gemma4;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The model that comes with the examples, so that they run without a download. Thread-safe. */
public final class EmbeddedModel {
    private static final String TRAINED = "tiny.gguf";
    private static final String STAND_IN = "dense-mini-Q4_K_M.gguf";

    private EmbeddedModel() {}

    /**
     * Whether the model was trained, so that its answers make sense.
     *
     * @return false for the stand-in with random weights
     */
    public static boolean isTrained() {
        return EmbeddedModel.class.getResource(TRAINED) != null;
    }

    /**
     * What a user has to know about its answers.
     *
     * @return one line
     */
    public static String note() {
        return isTrained()
                ? "no --model given: this is the small model that comes with the examples, which knows little"
                : "no --model given: this is a small stand-in whose weights are random; it was never trained, so its answers are noise";
    }

    /**
     * The model as a file, in the operating system's folder for caches; where nothing can be written there, in a temporary one, which is deleted when
     * the JVM exits.
     *
     * @return a GGUF file, the same for every process; not to be changed
     * @throws IOException if it cannot be written
     */
    public static Path file() throws IOException {
        return file(CacheFolder.of(System.getProperty("os.name"), System.getenv(), Path.of(System.getProperty("user.home"))));
    }

    static Path file(Path cacheFolder) throws IOException {
        String resource = isTrained() ? TRAINED : STAND_IN;
        try {
            return CachedResource.file(resource, cacheFolder);
        } catch (IOException unwritable) {
            try {
                Path folder = Files.createTempDirectory("gemma4j-");
                folder.toFile().deleteOnExit();
                Path file = CachedResource.file(resource, folder);
                file.toFile().deleteOnExit();
                return file;
            } catch (IOException e) {
                e.addSuppressed(unwritable);
                throw e;
            }
        }
    }

    /**
     * Loads the model with default options.
     *
     * @return the model; the caller closes it
     * @throws IOException if its file cannot be written
     */
    public static Gemma4 load() throws IOException {
        return Gemma4.load(file());
    }
}
