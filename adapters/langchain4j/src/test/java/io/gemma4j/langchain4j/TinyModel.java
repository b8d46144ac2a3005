package io.gemma4j.langchain4j;

import io.gemma4j.Backend;
import io.gemma4j.CpuKernels;
import io.gemma4j.Gemma4;
import io.gemma4j.LoadOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/** The small model that comes with the examples, shared by the tests of this JVM. */
final class TinyModel {
    private static final Path FILE = Path.of("target/test-classes/tiny.gguf");
    /** In floats, so that an answer is the same to the last bit whatever of its prompt is cached. */
    private static final LoadOptions OPTIONS = LoadOptions.defaults().backend(Backend.CPU).cpuKernels(CpuKernels.VECTOR).threads(1);

    private TinyModel() {}

    private static final class Shared {
        private static final Gemma4 MODEL = load();
    }

    static Gemma4 shared() {
        return Shared.MODEL;
    }

    /** One that cannot answer any more. */
    static Gemma4 closed() {
        Gemma4 model = load();
        model.close();
        return model;
    }

    private static Gemma4 load() {
        try {
            return Gemma4.load(FILE, OPTIONS);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Gemma4ChatRequestParameters.Builder greedy() {
        return Gemma4ChatRequestParameters.builder().temperature(0.0);
    }
}
