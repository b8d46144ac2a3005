package io.gemma4j;

import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * How the next token is chosen from the logits. The stages run in this order: logit bias, penalties, top-k, typical-p, top-p, min-p,
 * temperature, draw; temperature 0 takes the most likely token right after the penalties. The temperature comes last, as in llama.cpp: it
 * changes how often each surviving token is drawn, not which ones survive.
 *
 * <p>Immutable and thread-safe. Each component has a method of its name that returns a copy with another value:
 * {@snippet :
 * SamplingOptions options = SamplingOptions.defaults().temperature(0.7f).topK(40).seed(7);
 * }
 *
 * @param temperature divides the logits of the surviving tokens; finite, at least 0; 0 is greedy: the most likely token, always
 * @param topK keeps the k most likely tokens; at least 0; 0 is off
 * @param topP keeps the smallest set of most likely tokens whose probabilities sum to this; 0 to 1; 1 is off
 * @param minP keeps the tokens with at least this fraction of the highest probability; 0 to 1; 0 is off
 * @param typicalP keeps the smallest set of tokens nearest the expected information whose probabilities sum to this; 0 to 1; 1 is off
 * @param repetitionPenalty divides positive and multiplies negative logits of repeated tokens; finite, above 0; 1 is off
 * @param presencePenalty subtracted once from the logit of each repeated token; finite; 0 is off
 * @param frequencyPenalty subtracted from a token's logit once per occurrence; finite; 0 is off
 * @param penaltyTokens how many of the last tokens, prompt included, the penalties look at; -1 is all of the context
 * @param logitBias added to the logits of these token ids; finite, or negative infinity to ban a token; copied
 * @param seed the same seed, prompt and logits give the same tokens; empty draws a fresh seed for each generation
 */
public record SamplingOptions(
        float temperature,
        int topK,
        float topP,
        float minP,
        float typicalP,
        float repetitionPenalty,
        float presencePenalty,
        float frequencyPenalty,
        int penaltyTokens,
        Map<Integer, Float> logitBias,
        OptionalLong seed) {

    private static final SamplingOptions DEFAULTS =
            new SamplingOptions(0.8f, 64, 0.95f, 0, 1, 1, 0, 0, 64, Map.of(), OptionalLong.empty());

    /**
     * Checks every value.
     *
     * @throws IllegalArgumentException if one is out of its range; the message names it, the range and the value
     * @throws NullPointerException if the seed, the bias map or one of its keys or values is null
     */
    public SamplingOptions {
        require(Float.isFinite(temperature) && temperature >= 0, "temperature", "a finite number of at least 0", temperature);
        require(topK >= 0, "topK", "at least 0", topK);
        require(isFraction(topP), "topP", "a number from 0 to 1", topP);
        require(isFraction(minP), "minP", "a number from 0 to 1", minP);
        require(isFraction(typicalP), "typicalP", "a number from 0 to 1", typicalP);
        require(Float.isFinite(repetitionPenalty) && repetitionPenalty > 0, "repetitionPenalty", "a finite number above 0", repetitionPenalty);
        require(Float.isFinite(presencePenalty), "presencePenalty", "a finite number", presencePenalty);
        require(Float.isFinite(frequencyPenalty), "frequencyPenalty", "a finite number", frequencyPenalty);
        require(penaltyTokens >= -1, "penaltyTokens", "at least -1", penaltyTokens);
        logitBias = Collections.unmodifiableMap(new TreeMap<>(logitBias));
        logitBias.forEach((token, bias) -> {
            require(token >= 0, "logitBias", "a map from token ids of at least 0", token);
            require(Float.isFinite(bias) || bias == Float.NEGATIVE_INFINITY,
                    "logitBias of token " + token, "a finite number or negative infinity", bias);
        });
        Objects.requireNonNull(seed, "seed");
    }

    /**
     * Always the most likely token; every other stage is off.
     *
     * @return options with temperature 0
     */
    public static SamplingOptions greedy() {
        return DEFAULTS.temperature(0).topK(0).topP(1);
    }

    /**
     * What is used where neither the caller nor the model file says otherwise.
     *
     * @return temperature 0.8, top-k 64, top-p 0.95, the rest off; penalties, once switched on, look at the last 64 tokens
     */
    public static SamplingOptions defaults() {
        return DEFAULTS;
    }

    /**
     * Copies these options.
     *
     * @param value the temperature
     * @return the copy
     */
    public SamplingOptions temperature(float value) {
        return new SamplingOptions(value, topK, topP, minP, typicalP, repetitionPenalty, presencePenalty, frequencyPenalty,
                penaltyTokens, logitBias, seed);
    }

    /**
     * Copies these options.
     *
     * @param value how many tokens to keep
     * @return the copy
     */
    public SamplingOptions topK(int value) {
        return new SamplingOptions(temperature, value, topP, minP, typicalP, repetitionPenalty, presencePenalty, frequencyPenalty,
                penaltyTokens, logitBias, seed);
    }

    /**
     * Copies these options.
     *
     * @param value the probability to keep
     * @return the copy
     */
    public SamplingOptions topP(float value) {
        return new SamplingOptions(temperature, topK, value, minP, typicalP, repetitionPenalty, presencePenalty, frequencyPenalty,
                penaltyTokens, logitBias, seed);
    }

    /**
     * Copies these options.
     *
     * @param value the fraction of the highest probability
     * @return the copy
     */
    public SamplingOptions minP(float value) {
        return new SamplingOptions(temperature, topK, topP, value, typicalP, repetitionPenalty, presencePenalty, frequencyPenalty,
                penaltyTokens, logitBias, seed);
    }

    /**
     * Copies these options.
     *
     * @param value the probability to keep
     * @return the copy
     */
    public SamplingOptions typicalP(float value) {
        return new SamplingOptions(temperature, topK, topP, minP, value, repetitionPenalty, presencePenalty, frequencyPenalty,
                penaltyTokens, logitBias, seed);
    }

    /**
     * Copies these options.
     *
     * @param value the divisor
     * @return the copy
     */
    public SamplingOptions repetitionPenalty(float value) {
        return new SamplingOptions(temperature, topK, topP, minP, typicalP, value, presencePenalty, frequencyPenalty,
                penaltyTokens, logitBias, seed);
    }

    /**
     * Copies these options.
     *
     * @param value subtracted once per token
     * @return the copy
     */
    public SamplingOptions presencePenalty(float value) {
        return new SamplingOptions(temperature, topK, topP, minP, typicalP, repetitionPenalty, value, frequencyPenalty,
                penaltyTokens, logitBias, seed);
    }

    /**
     * Copies these options.
     *
     * @param value subtracted once per occurrence
     * @return the copy
     */
    public SamplingOptions frequencyPenalty(float value) {
        return new SamplingOptions(temperature, topK, topP, minP, typicalP, repetitionPenalty, presencePenalty, value,
                penaltyTokens, logitBias, seed);
    }

    /**
     * Copies these options.
     *
     * @param value how many of the last tokens the penalties look at
     * @return the copy
     */
    public SamplingOptions penaltyTokens(int value) {
        return new SamplingOptions(temperature, topK, topP, minP, typicalP, repetitionPenalty, presencePenalty, frequencyPenalty,
                value, logitBias, seed);
    }

    /**
     * Copies these options.
     *
     * @param value token ids with what to add to their logits
     * @return the copy
     */
    public SamplingOptions logitBias(Map<Integer, Float> value) {
        return new SamplingOptions(temperature, topK, topP, minP, typicalP, repetitionPenalty, presencePenalty, frequencyPenalty,
                penaltyTokens, value, seed);
    }

    /**
     * Copies these options.
     *
     * @param value the seed
     * @return the copy
     */
    public SamplingOptions seed(long value) {
        return new SamplingOptions(temperature, topK, topP, minP, typicalP, repetitionPenalty, presencePenalty, frequencyPenalty,
                penaltyTokens, logitBias, OptionalLong.of(value));
    }

    private static boolean isFraction(float value) {
        return value >= 0 && value <= 1;
    }

    private static void require(boolean holds, String name, String range, Object given) {
        if (!holds) {
            throw new IllegalArgumentException(name + " must be " + range + ", was " + given);
        }
    }
}
