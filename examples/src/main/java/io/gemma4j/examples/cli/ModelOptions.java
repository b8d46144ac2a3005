package io.gemma4j.examples.cli;

import io.gemma4j.Gemma4;
import io.gemma4j.LoadOptions;
import io.gemma4j.examples.EmbeddedModel;
import io.gemma4j.examples.hub.ModelHub;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;
import picocli.CommandLine.Option;

/** Which model a command works on. */
final class ModelOptions {
    @Option(names = "--model", paramLabel = "FILE|hf:OWNER/REPO[:QUANT]",
            description = "GGUF file; of a split model, any part. Or a model on the Hugging Face Hub, downloaded if need be. Without it: the embedded model.")
    private String model;

    private ModelOptions() {}

    /** The file; without the option the embedded model, of which the user is told. */
    Path file(StandardStreams streams) throws IOException {
        if (model != null) {
            return file(model, streams);
        }
        streams.err().println("gemma4: " + EmbeddedModel.NOTE);
        return EmbeddedModel.file();
    }

    /** What to call it: the name of its file without the end, which for the embedded model is another one. */
    String name(Path file) {
        return model == null ? EmbeddedModel.NAME : file.getFileName().toString().replaceFirst("(?i)\\.gguf$", "");
    }

    /** The file of a model that is named by its path or on the Hub, downloaded with a progress bar. */
    static Path file(String model, StandardStreams streams) throws IOException {
        if (model.isBlank()) {
            throw new IllegalArgumentException("option --model: expected a file or a model on the Hub, found nothing");
        }
        try (ProgressBar bar = new ProgressBar(streams, () -> false)) {
            return ModelHub.fromEnvironment().file(model, (name, done, total) -> bar.show("downloading", done, total));
        }
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
