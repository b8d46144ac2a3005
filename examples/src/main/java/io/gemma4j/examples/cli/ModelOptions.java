package io.gemma4j.examples.cli;

import io.gemma4j.Gemma4;
import io.gemma4j.LoadOptions;
import io.gemma4j.examples.EmbeddedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;
import picocli.CommandLine.Option;

/** Which model a command works on. */
final class ModelOptions {
    @Option(names = "--model", paramLabel = "FILE", description = "GGUF file; of a split model, any part. Without it: the embedded model.")
    private Path model;

    private ModelOptions() {}

    /** The file; without the option the embedded model, of which the user is told. */
    Path file(StandardStreams streams) throws IOException {
        if (model != null) {
            return model;
        }
        streams.err().println("gemma4: " + EmbeddedModel.NOTE);
        return EmbeddedModel.file();
    }

    /** Loads it with a progress bar; the caller closes it. */
    static Gemma4 load(Path file, LoadOptions options, StandardStreams streams, BooleanSupplier aborted) throws IOException {
        try (ProgressBar bar = new ProgressBar(streams, aborted)) {
            return Gemma4.load(file, options.progress(bar));
        } catch (IllegalArgumentException e) {
            // Of the options only the context length depends on the model.
            throw new IllegalArgumentException("option --context: " + e.getMessage(), e);
        }
    }
}
