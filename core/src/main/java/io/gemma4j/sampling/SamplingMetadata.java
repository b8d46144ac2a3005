package io.gemma4j.sampling;

import io.gemma4j.ModelFormatException;
import io.gemma4j.SamplingOptions;
import io.gemma4j.gguf.GgufMetadata;
import java.util.Optional;
import java.util.function.BiFunction;

/**
 * The sampling options a model file recommends: the keys {@code general.sampling.*} as llama.cpp defines them
 * ({@code temp, top_k, top_p, min_p, penalty_last_n, penalty_repeat}). Thread-safe.
 */
public final class SamplingMetadata {
    private static final String PREFIX = "general.sampling.";

    private SamplingMetadata() {}

    /**
     * Reads the options.
     *
     * @param metadata the file's pairs
     * @return what the file says, and {@link SamplingOptions#defaults()} where it says nothing
     * @throws ModelFormatException if a key has a value of another type or out of its range
     */
    public static SamplingOptions read(GgufMetadata metadata) {
        SamplingOptions options = SamplingOptions.defaults();
        // llama.cpp reads a temperature or top_k below 0 as 0.
        options = set(metadata, "temp", metadata.findFloating(PREFIX + "temp"), options, (o, value) -> o.temperature(Math.max(0, value)));
        options = set(metadata, "top_k", metadata.findInteger(PREFIX + "top_k"), options, (o, value) -> o.topK(Math.max(0, value)));
        options = set(metadata, "top_p", metadata.findFloating(PREFIX + "top_p"), options, SamplingOptions::topP);
        options = set(metadata, "min_p", metadata.findFloating(PREFIX + "min_p"), options, SamplingOptions::minP);
        options = set(metadata, "penalty_last_n", metadata.findInteger(PREFIX + "penalty_last_n"), options, SamplingOptions::penaltyTokens);
        return set(metadata, "penalty_repeat", metadata.findFloating(PREFIX + "penalty_repeat"), options, SamplingOptions::repetitionPenalty);
    }

    private static <T> SamplingOptions set(
            GgufMetadata metadata, String name, Optional<T> value, SamplingOptions options, BiFunction<SamplingOptions, T, SamplingOptions> setter) {
        try {
            return value.map(found -> setter.apply(options, found)).orElse(options);
        } catch (IllegalArgumentException outOfRange) {
            throw metadata.unexpected(PREFIX + name, "a usable sampling option (" + outOfRange.getMessage() + ")", value.orElseThrow());
        }
    }
}
