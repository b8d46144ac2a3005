package io.gemma4j.examples;

import io.gemma4j.Gemma4;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The model that comes with the examples, so that they run without a download. Thread-safe. */
public final class EmbeddedModel {
    /** What it is called. */
    public static final String NAME = "tiny";

    private static final String RESOURCE = NAME + ".gguf";

    /** What a user has to know about its answers. */
    public static final String NOTE = "no --model given: this is the small model that comes with the examples, which knows little";

    private EmbeddedModel() {}

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
        try {
            return CachedResource.file(RESOURCE, cacheFolder);
        } catch (IOException unwritable) {
            try {
                Path folder = Files.createTempDirectory("gemma4j-");
                folder.toFile().deleteOnExit();
                Path file = CachedResource.file(RESOURCE, folder);
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
