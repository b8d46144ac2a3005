package io.gemma4j;

import io.gemma4j.sampling.Sampler;
import java.util.List;
import java.util.Map;

/**
 * The scores of every vocabulary token for the next place in a text, after the model's soft-cap, with the options to draw from them.
 *
 * <p>Immutable and thread-safe: the fluent methods return a {@code Logits} that shares the scores and has another option.
 * {@snippet :
 * int next = session.feed(ids).logits().temperature(0.7f).topK(40).topP(0.9f).seed(1).sample();
 * }
 */
public final class Logits {
    private final float[] values;
    private final SamplingOptions options;
    private final int[] history;

    /**
     * Copies {@code values} and {@code history}.
     *
     * @param values one score per token id; not empty
     * @param options what the fluent methods start from
     * @param history the tokens so far, prompt included: what the penalties look at, and their number is the place a seeded draw depends on
     * @throws IllegalArgumentException if {@code values} is empty
     */
    public Logits(float[] values, SamplingOptions options, int[] history) {
        this(options, values.clone(), history.clone());
        if (values.length == 0) {
            throw new IllegalArgumentException("logits must hold at least one value, had none");
        }
    }

    private Logits(SamplingOptions options, float[] values, int[] history) {
        this.values = values;
        this.options = options;
        this.history = history;
    }

    /**
     * The score of one token.
     *
     * @param token its id, from 0 to {@link #size()} - 1
     * @return the logit
     * @throws IndexOutOfBoundsException if there is no such token
     */
    public float get(int token) {
        return values[token];
    }

    /**
     * The number of scores.
     *
     * @return the vocabulary size in tokens
     */
    public int size() {
        return values.length;
    }

    /**
     * The token with the highest score, whatever the options; of equal ones that with the lowest id.
     *
     * @return the token id
     * @throws Gemma4Exception if a score is NaN or all are negative infinity
     */
    public int argmax() {
        return new Sampler(SamplingOptions.greedy(), values.length).sample(values);
    }

    /**
     * The scores.
     *
     * @return a copy, one score per token id
     */
    public float[] toArray() {
        return values.clone();
    }

    /**
     * The most likely tokens of the model's own distribution, whatever the options.
     *
     * @param n how many at most; tokens of probability 0 are left out
     * @return the tokens, most likely first
     * @throws IllegalArgumentException if {@code n} is below 1
     * @throws Gemma4Exception if a score is NaN or all are negative infinity
     */
    public List<TokenLogprob> top(int n) {
        return new Sampler(SamplingOptions.greedy(), values.length).topLogprobs(values, n);
    }

    /**
     * Draws a token. With a seed the result depends on the scores, the options and the history alone, so the second call gives the same token.
     *
     * @return the token id
     * @throws IllegalArgumentException if {@code logitBias} or the history names a token outside the vocabulary
     * @throws Gemma4Exception if a score is NaN or every token is banned
     */
    public int sample() {
        Sampler sampler = new Sampler(options, values.length);
        for (int token : history) {
            sampler.accept(token);
        }
        return sampler.sample(values);
    }

    /**
     * Changes {@link SamplingOptions#temperature()}.
     *
     * @param value the temperature
     * @return these scores with that option
     */
    public Logits temperature(float value) {
        return with(options.temperature(value));
    }

    /**
     * Changes {@link SamplingOptions#topK()}.
     *
     * @param value how many tokens to keep
     * @return these scores with that option
     */
    public Logits topK(int value) {
        return with(options.topK(value));
    }

    /**
     * Changes {@link SamplingOptions#topP()}.
     *
     * @param value the probability to keep
     * @return these scores with that option
     */
    public Logits topP(float value) {
        return with(options.topP(value));
    }

    /**
     * Changes {@link SamplingOptions#minP()}.
     *
     * @param value the fraction of the highest probability
     * @return these scores with that option
     */
    public Logits minP(float value) {
        return with(options.minP(value));
    }

    /**
     * Changes {@link SamplingOptions#typicalP()}.
     *
     * @param value the probability to keep
     * @return these scores with that option
     */
    public Logits typicalP(float value) {
        return with(options.typicalP(value));
    }

    /**
     * Changes {@link SamplingOptions#repetitionPenalty()}.
     *
     * @param value the divisor
     * @return these scores with that option
     */
    public Logits repetitionPenalty(float value) {
        return with(options.repetitionPenalty(value));
    }

    /**
     * Changes {@link SamplingOptions#presencePenalty()}.
     *
     * @param value subtracted once per token
     * @return these scores with that option
     */
    public Logits presencePenalty(float value) {
        return with(options.presencePenalty(value));
    }

    /**
     * Changes {@link SamplingOptions#frequencyPenalty()}.
     *
     * @param value subtracted once per occurrence
     * @return these scores with that option
     */
    public Logits frequencyPenalty(float value) {
        return with(options.frequencyPenalty(value));
    }

    /**
     * Changes {@link SamplingOptions#penaltyTokens()}.
     *
     * @param value how many of the last tokens the penalties look at
     * @return these scores with that option
     */
    public Logits penaltyTokens(int value) {
        return with(options.penaltyTokens(value));
    }

    /**
     * Changes {@link SamplingOptions#logitBias()}.
     *
     * @param value token ids with what to add to their logits
     * @return these scores with that option
     */
    public Logits logitBias(Map<Integer, Float> value) {
        return with(options.logitBias(value));
    }

    /**
     * Changes {@link SamplingOptions#seed()}.
     *
     * @param value the seed
     * @return these scores with that option
     */
    public Logits seed(long value) {
        return with(options.seed(value));
    }

    private Logits with(SamplingOptions changed) {
        return new Logits(changed, values, history);
    }
}
