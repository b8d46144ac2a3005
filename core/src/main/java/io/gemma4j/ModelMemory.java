package io.gemma4j;

import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.Weight;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.model.Gemma4Config;
import io.gemma4j.model.Gemma4Decoder;
import io.gemma4j.model.Gemma4Weights;
import io.gemma4j.model.KvLayout;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;

/** How much memory a model takes, and how much context there is memory for. */
final class ModelMemory {
    private static final int DEFAULT_CONTEXT_TOKENS = 8192;
    // Longest steps that a GPU takes by itself, for estimates.
    private static final int GPU_STEP_ROWS = 2048;
    // Contexts are fitted to whole multiples of this.
    private static final int FIT_TOKENS = 256;

    private ModelMemory() {}

    /** See {@link Gemma4#estimateMemory}. */
    static MemoryEstimate estimate(Path path, LoadOptions options, List<BackendProvider> providers) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            GgufFile file = GgufFile.open(path, arena);
            Gemma4Config config = Gemma4Config.of(file);
            long weights = file.tensors().stream().mapToLong(tensor -> tensor.bytes().byteSize()).sum();
            int automaticRows = options.backend() == Backend.CPU ? ModelBackend.DEFAULT_STEP_ROWS : GPU_STEP_ROWS;
            int stepRows = options.prefillTokens() > 0 ? options.prefillTokens() : automaticRows;
            int context;
            long kvBytes;
            if (options.contextTokens() == LoadOptions.FIT_MEMORY) {
                Gemma4Weights described = Gemma4Weights.of(file, config, tensor -> new Described(tensor.name(), tensor.type(), tensor.rows(), tensor.columns()));
                try (ModelBackend backend = BackendSelection.open(options.backend(), backendOptions(options, file), providers)) {
                    context = fit(config, options, Math.min(stepRows, backend.preferredStepRows()), backend, described);
                    kvBytes = kvBytes(config, options, context, Math.min(stepRows, context), backend, described);
                }
            } else {
                context = contextTokens(config, options);
                kvBytes = KvLayout.of(config, context, Math.min(stepRows, context), options.kvType()).bytes(context);
            }
            return new MemoryEstimate(weights, Gemma4Decoder.scratchBytes(config, Math.min(stepRows, context)), kvBytes, context);
        }
    }

    /** A weight that is nowhere. */
    private record Described(String name, GgmlType type, long rows, int columns) implements Weight {}

    private static long kvBytes(Gemma4Config config, LoadOptions options, int contextTokens, int stepRows, ModelBackend backend, Gemma4Weights weights) {
        return KvLayout.of(config, contextTokens, stepRows, options.kvType()).layers().stream()
                .mapToLong(layer -> backend.kvBytes(layer, weights.layers().get(layer.layer()).attention())).sum();
    }

    static BackendOptions backendOptions(LoadOptions options, GgufFile file) {
        return new BackendOptions(options.threads(), options.cpuKernels(), file.bytes());
    }

    /**
     * How long a context is asked for; the longest possible where it is to be fitted.
     *
     * @throws IllegalArgumentException if it is longer than the model was made for
     */
    static int contextTokens(Gemma4Config config, LoadOptions options) {
        if (options.contextTokens() > config.contextTokens()) {
            throw new IllegalArgumentException("contextTokens must be at most " + config.contextTokens() + ", which the model was made for, was "
                    + options.contextTokens());
        }
        return switch (options.contextTokens()) {
            case LoadOptions.FIT_MEMORY -> config.contextTokens();
            case 0 -> Math.min(config.contextTokens(), DEFAULT_CONTEXT_TOKENS);
            default -> options.contextTokens();
        };
    }

    /**
     * The longest context with which one session fits the memory. A tenth of that is left for what else there is.
     *
     * @param stepRows rows of a step
     * @param backend whose memory it is
     * @param weights which need not be there
     * @throws Gemma4Exception if not even a short one fits
     */
    static int fit(Gemma4Config config, LoadOptions options, int stepRows, ModelBackend backend, Gemma4Weights weights) {
        long freeBytes = backend.freeBytes();
        long usable = freeBytes - freeBytes / 10 - options.prefixCacheBytes();
        int most = config.contextTokens();
        int fitting = 0;
        // Grows with the context, so the longest is found by halving. A GPU also keeps activations as 16-bit floats.
        for (int low = 1, high = Math.ceilDiv(most, FIT_TOKENS); low <= high;) {
            int middle = (low + high) >>> 1;
            int context = Math.min(most, middle * FIT_TOKENS);
            int rows = Math.min(stepRows, context);
            long scratch = Gemma4Decoder.scratchBytes(config, rows);
            long bytes = scratch + scratch / 2 + kvBytes(config, options, context, rows, backend, weights);
            if (bytes <= usable) {
                fitting = context;
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        if (fitting == 0) {
            throw new Gemma4Exception("there is no memory for a context of " + Math.min(most, FIT_TOKENS) + " tokens: " + freeBytes
                    + " bytes are free beside the weights, of which " + options.prefixCacheBytes() + " are for prefixCacheBytes");
        }
        return fitting;
    }
}
