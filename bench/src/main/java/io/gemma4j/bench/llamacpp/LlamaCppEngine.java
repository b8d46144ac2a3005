package io.gemma4j.bench.llamacpp;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.gemma4j.bench.measure.Engine;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** llama.cpp on the processor, with its defaults. */
public final class LlamaCppEngine implements Engine {
    // Its own default; more is processed in several calls.
    private static final int MAX_BATCH_TOKENS = 2048;

    private final LlamaCpp llama;
    private final Path library;
    private final MemorySegment model;
    private final MemorySegment context;
    private final int batchTokens;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment batch;

    private LlamaCppEngine(LlamaCpp llama, Path library, MemorySegment model, MemorySegment context, int batchTokens) {
        this.llama = llama;
        this.library = library;
        this.model = model;
        this.context = context;
        this.batchTokens = batchTokens;
        this.batch = arena.allocate(JAVA_INT, batchTokens);
    }

    /**
     * Loads a model.
     *
     * @param library that exports {@code llama.h}
     * @param path the model
     * @param contextTokens tokens a sequence may have
     * @param threads for prompts and generation
     * @return the engine; the caller closes it
     * @throws IOException if library or model cannot be loaded
     */
    public static LlamaCppEngine load(Path library, Path path, int contextTokens, int threads) throws IOException {
        LlamaCpp llama = new LlamaCpp(library);
        MemorySegment model = llama.llama_model_load_from_file(path);
        if (model.equals(MemorySegment.NULL)) {
            throw new IOException(path + ": " + library + " cannot load it; expected a version that knows this architecture");
        }
        int batchTokens = Math.min(contextTokens, MAX_BATCH_TOKENS);
        MemorySegment context = llama.llama_init_from_model(model, contextTokens, batchTokens);
        if (context.equals(MemorySegment.NULL)) {
            llama.llama_model_free(model);
            throw new IOException(path + ": " + library + " has no memory for a context of " + contextTokens + " tokens");
        }
        LlamaCppEngine engine = new LlamaCppEngine(llama, library, model, context, batchTokens);
        try {
            engine.requireSizes(contextTokens);
            llama.llama_set_n_threads(context, threads, threads);
            return engine;
        } catch (IOException | RuntimeException e) {
            engine.close();
            throw e;
        }
    }

    /** It may round the context up, but if the numbers are not where this binding put them, nothing it measures means anything. */
    private void requireSizes(int contextTokens) throws IOException {
        int foundContext = llama.llama_n_ctx(context);
        int foundBatch = llama.llama_n_batch(context);
        if (foundContext < contextTokens || foundContext > contextTokens + 1024 || foundBatch < batchTokens || foundBatch > batchTokens + 1024) {
            throw new IOException(library + ": expected a context of " + contextTokens + " and batches of " + batchTokens + " tokens, found "
                    + foundContext + " and " + foundBatch + "; this version of llama.h is not understood");
        }
    }

    @Override
    public String name() {
        return "llama.cpp";
    }

    @Override
    public String description() {
        return library.getFileName() + ", " + llama.llama_print_system_info().strip();
    }

    @Override
    public void clear() {
        llama.llama_memory_clear(context);
    }

    @Override
    public void feed(int[] tokens) {
        for (int first = 0; first < tokens.length; first += batchTokens) {
            int count = Math.min(batchTokens, tokens.length - first);
            MemorySegment.copy(tokens, first, batch, JAVA_INT, 0, count);
            int code = llama.llama_decode(context, batch, count);
            if (code != 0) {
                throw new IllegalStateException("llama_decode of " + count + " tokens: expected 0, found " + code);
            }
        }
    }

    @Override
    public void close() {
        llama.llama_free(context);
        llama.llama_model_free(model);
        arena.close();
    }
}
