package io.gemma4j.bench.measure;

import io.gemma4j.Gemma4;
import io.gemma4j.LoadOptions;
import io.gemma4j.SamplingOptions;
import io.gemma4j.Session;
import java.io.IOException;
import java.nio.file.Path;

/** This library. */
public final class LibraryEngine implements Engine {
    /** Its name in reports. */
    public static final String NAME = "gemma4j";

    private final Gemma4 model;
    private final Session session;

    /**
     * Loads a model.
     *
     * @param path a GGUF file
     * @param options how
     * @throws IOException if the file cannot be read
     */
    public LibraryEngine(Path path, LoadOptions options) throws IOException {
        this.model = Gemma4.load(path, options);
        try {
            this.session = model.newSession();
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public String description() {
        return model.info().backend();
    }

    /** Whether it computes on the processor. */
    public boolean onProcessor() {
        return description().startsWith("cpu");
    }

    @Override
    public void clear() {
        session.clear();
    }

    @Override
    public void feed(int[] tokens) {
        session.feed(tokens);
    }

    /** Draws the most likely tokens. */
    @Override
    public void generate(int[] tokens) {
        session.feed(tokens[0]).generate(SamplingOptions.greedy(), tokens.length, token -> true);
    }

    @Override
    public void close() {
        model.close();
    }
}
