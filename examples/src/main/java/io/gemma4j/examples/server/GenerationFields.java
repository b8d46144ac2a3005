package io.gemma4j.examples.server;

import io.gemma4j.Constraint;
import io.gemma4j.SamplingOptions;
import io.gemma4j.tokenizer.Tokenizer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * The fields that requests for chats and for completions have in common.
 *
 * @param sampling how tokens are drawn
 * @param maxTokens how many at most
 * @param stop where to end
 * @param stream whether the answer is sent as it comes
 * @param includeUsage whether a stream ends with the number of tokens
 * @param constraint what the answer has to look like, or null
 */
record GenerationFields(SamplingOptions sampling, int maxTokens, List<String> stop, boolean stream, boolean includeUsage,
        Constraint constraint) {
    private static final int MAX_STOPS = 16;
    private static final double MAX_PENALTY = 2;

    static GenerationFields read(RequestObject request, SamplingOptions defaults, Tokenizer tokenizer, ResponseFormats formats) {
        if (request.integer("n", 1, 128).orElse(1) > 1) {
            throw ApiError.unsupported("n", "n must be 1: ask again for another answer");
        }
        boolean stream = request.flag("stream", false);
        boolean includeUsage = request.object("stream_options").map(options -> options.flag("include_usage", false)).orElse(false);
        List<String> stop = request.strings("stop", MAX_STOPS);
        if (stop.contains("")) {
            throw request.invalid("stop", "must not hold an empty string");
        }
        OptionalLong newer = request.integer("max_completion_tokens", 1, Integer.MAX_VALUE);
        OptionalLong older = request.integer("max_tokens", 1, Integer.MAX_VALUE);
        int maxTokens = (int) newer.orElse(older.orElse(Integer.MAX_VALUE));
        Constraint constraint = formats.read(request);
        if (constraint != null && !stop.isEmpty()) {
            throw ApiError.unsupported("stop", "stop cannot be combined with response_format, which ends the answer by itself");
        }
        return new GenerationFields(sampling(request, defaults, tokenizer), maxTokens, stop, stream, includeUsage, constraint);
    }

    private static SamplingOptions sampling(RequestObject request, SamplingOptions defaults, Tokenizer tokenizer) {
        SamplingOptions options = defaults;
        options = options.temperature((float) request.number("temperature", 0, 2).orElse(options.temperature()));
        options = options.topP((float) request.number("top_p", 0, 1).orElse(options.topP()));
        options = options.topK((int) request.integer("top_k", 0, Integer.MAX_VALUE).orElse(options.topK()));
        options = options.minP((float) request.number("min_p", 0, 1).orElse(options.minP()));
        OptionalDouble presence = request.number("presence_penalty", -MAX_PENALTY, MAX_PENALTY);
        OptionalDouble frequency = request.number("frequency_penalty", -MAX_PENALTY, MAX_PENALTY);
        if (presence.isPresent() || frequency.isPresent()) {
            // Of all of the text, as in OpenAI's API, not of the last tokens.
            options = options.presencePenalty((float) presence.orElse(0)).frequencyPenalty((float) frequency.orElse(0)).penaltyTokens(-1);
        }
        OptionalLong seed = request.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE);
        options = seed.isPresent() ? options.seed(seed.getAsLong()) : options;
        Map<Integer, Float> bias = request.object("logit_bias").map(map -> logitBias(map, tokenizer)).orElse(Map.of());
        return bias.isEmpty() ? options : options.logitBias(bias);
    }

    private static Map<Integer, Float> logitBias(RequestObject map, Tokenizer tokenizer) {
        Map<Integer, Float> bias = new HashMap<>();
        map.node().fieldNames().forEachRemaining(name -> {
            if (!name.matches("\\d{1,9}") || Integer.parseInt(name) >= tokenizer.vocabularySize()) {
                throw map.invalid(name, "must be a token id from 0 to " + (tokenizer.vocabularySize() - 1));
            }
            double value = map.number(name, -100, 100).orElseThrow(() -> map.invalid(name, "must be a number"));
            // The lowest value bans a token in OpenAI's API.
            bias.put(Integer.parseInt(name), value == -100 ? Float.NEGATIVE_INFINITY : (float) value);
        });
        if (bias.size() == tokenizer.vocabularySize() && bias.values().stream().allMatch(value -> value == Float.NEGATIVE_INFINITY)) {
            throw ApiError.invalid(map.path(), map.path() + " must leave a token that is not banned");
        }
        return bias;
    }
}
