package io.gemma4j.sampling;

import io.gemma4j.Gemma4Exception;
import io.gemma4j.SamplingOptions;
import io.gemma4j.TokenLogprob;
import io.gemma4j.TokenScore;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Chooses tokens for one generation. The chain, with the softmax of each stage taken over the tokens that the stages before it left:
 *
 * <ol>
 * <li>logit bias: {@code logit += bias}; negative infinity bans the token;
 * <li>penalties: repetition, frequency and presence, see {@link Penalties};
 * <li>with temperature 0 the highest logit is the result, of equal ones that with the lowest id;
 * <li>top-k, see {@link TopK};
 * <li>typical-p, top-p, min-p, see {@link Truncation};
 * <li>temperature and softmax: {@code p_i = exp(logit_i / temperature) / sum exp(logit_j / temperature)};
 * <li>draw: the token with the lowest id at which the running sum of p, by ascending id, exceeds u.
 * </ol>
 *
 * This is llama.cpp's default order: the temperature comes last, so it never changes which tokens survive, only how often each is drawn, and
 * the settings published for GGUF files keep their meaning. transformers divides by the temperature first; the two agree at temperature 1,
 * which is what Gemma 4 is published with.
 *
 * <p>The uniform number u is {@link SplitMix64#uniform} of the seed and the number of tokens accepted so far. A draw is therefore a function
 * of seed, place in the text and logits: it can be repeated, and does not depend on how many draws came before. Between two draws of one
 * text the first token has to be accepted.
 *
 * <p>Not thread-safe. Scratch memory is allocated once, {@link #sample} allocates nothing.
 */
public final class Sampler {
    private final SamplingOptions options;
    private final int vocabularySize;
    private final long seed;
    private final int[] biasedTokens;
    private final float[] biases;
    private final Penalties penalties; // null if they are all off
    private float[] adjusted; // logits after bias, penalties and mask; null until there are any
    private final TopK topK;
    private final Truncation truncation;
    private final Candidates candidates;
    private long acceptedTokens;

    /**
     * Starts with no tokens accepted.
     *
     * @param options what to do; without a seed a fresh one is taken
     * @param vocabularySize the number of logits, in tokens
     * @throws IllegalArgumentException if the vocabulary is empty or a logit bias names a token outside it
     */
    public Sampler(SamplingOptions options, int vocabularySize) {
        if (vocabularySize < 1) {
            throw new IllegalArgumentException("vocabularySize must be at least 1, was " + vocabularySize);
        }
        this.options = options;
        this.vocabularySize = vocabularySize;
        seed = options.seed().orElseGet(() -> ThreadLocalRandom.current().nextLong());
        biasedTokens = options.logitBias().keySet().stream().mapToInt(Integer::intValue).toArray();
        biases = new float[biasedTokens.length];
        for (int i = 0; i < biases.length; i++) {
            requireToken(biasedTokens[i], "a token of logitBias");
            biases[i] = options.logitBias().get(biasedTokens[i]);
        }
        penalties = Penalties.isOn(options) ? new Penalties(options, vocabularySize) : null;
        adjusted = penalties != null || biases.length > 0 ? new float[vocabularySize] : null;
        int capacity = capacity(options, vocabularySize);
        topK = new TopK(capacity, vocabularySize);
        truncation = new Truncation(capacity);
        candidates = new Candidates(capacity);
    }

    private static int capacity(SamplingOptions options, int vocabularySize) {
        if (options.temperature() == 0) {
            return 0; // greedy needs no candidates
        }
        return options.topK() == 0 ? vocabularySize : Math.min(options.topK(), vocabularySize);
    }

    /**
     * The seed in use.
     *
     * @return that of the options, or the fresh one; with it the generation can be repeated
     */
    public long seed() {
        return seed;
    }

    /** What to do. */
    public SamplingOptions options() {
        return options;
    }

    /** How many tokens were accepted: the place of the next draw in the stream of random numbers. */
    public long acceptedTokens() {
        return acceptedTokens;
    }

    /** Whether tokens of the past are made less likely. */
    public boolean penalizes() {
        return penalties != null;
    }

    /** The tokens that penalties look at, oldest first; none where there are no penalties. */
    public int[] penalizedTokens() {
        return penalties == null ? new int[0] : penalties.window();
    }

    /**
     * Appends a token, of the prompt or sampled, to the text that the penalties and the place of the next draw depend on.
     *
     * @param token its id
     * @throws IllegalArgumentException if it is outside the vocabulary
     */
    public void accept(int token) {
        requireToken(token, "an accepted token");
        acceptedTokens++;
        if (penalties != null) {
            penalties.accept(token);
        }
    }

    /**
     * Chooses the token after the accepted ones. Does not accept it.
     *
     * @param logits one per token of the vocabulary, after the soft-cap; not modified
     * @return the token id
     * @throws IllegalArgumentException if there are not as many logits as tokens
     * @throws Gemma4Exception if a logit is NaN, or if all are negative infinity once the bans are applied
     */
    public int sample(float[] logits) {
        requireSize(logits);
        float[] chosenFrom = logits;
        float max = requireNumbers(logits);
        if (adjusted != null) {
            adjust(logits);
            chosenFrom = adjusted;
            max = max(adjusted);
        }
        requireDrawable(max);
        return choose(chosenFrom, max);
    }

    /**
     * As {@link #sample(float[])}, among some tokens only.
     *
     * @param allowed a bit for each token: bit {@code t % 64} of word {@code t / 64}
     * @return the token id, or -1 if every allowed token is at negative infinity or banned
     * @throws IllegalArgumentException if there are not as many logits as tokens, or bits
     * @throws Gemma4Exception if the logit of an allowed token is NaN
     */
    public int sample(float[] logits, long[] allowed) {
        requireSize(logits);
        if (allowed.length != vocabularySize + Long.SIZE - 1 >>> 6) {
            throw new IllegalArgumentException("allowed must hold a bit for each of " + vocabularySize + " tokens, had " + allowed.length + " words");
        }
        if (adjusted == null) {
            adjusted = new float[vocabularySize];
        }
        adjust(logits);
        TokenMask.apply(allowed, adjusted);
        float max = requireNumbers(adjusted);
        return max == Float.NEGATIVE_INFINITY ? -1 : choose(adjusted, max);
    }

    private int choose(float[] chosenFrom, float max) {
        if (options.temperature() == 0) {
            return indexOf(chosenFrom, max);
        }
        topK.select(chosenFrom, max, candidates);
        if (options.typicalP() < 1) {
            truncation.typicalP(candidates, options.typicalP());
        }
        if (options.topP() < 1) {
            truncation.topP(candidates, options.topP());
        }
        if (options.minP() > 0) {
            Truncation.minP(candidates, options.minP());
        }
        double total = candidates.weigh(options.temperature());
        return candidates.draw(total, SplitMix64.uniform(seed, acceptedTokens));
    }

    /**
     * The most likely tokens of the model's own distribution: {@code ln softmax(logits)} at temperature 1 over the whole vocabulary, after
     * the model's soft-cap and before anything this sampler does, as the OpenAI API reports log-probabilities. Allocates.
     *
     * @param logits one per token of the vocabulary, after the soft-cap; not modified
     * @param n how many at most; tokens of probability 0 are left out
     * @return the tokens, most likely first, of equal ones the lowest id first
     * @throws IllegalArgumentException if there are not as many logits as tokens, or if {@code n} is below 1
     * @throws Gemma4Exception if a logit is NaN or all are negative infinity
     */
    public List<TokenLogprob> topLogprobs(float[] logits, int n) {
        requireSize(logits);
        if (n < 1) {
            throw new IllegalArgumentException("n must be at least 1, was " + n);
        }
        float max = requireNumbers(logits);
        requireDrawable(max);
        return topLogprobs(logits, n, max, StrictMath.log(totalWeight(logits, max)));
    }

    /**
     * How likely the model's own distribution, as in {@link #topLogprobs}, finds a token. Allocates.
     *
     * @param logits one per token of the vocabulary, after the soft-cap; not modified
     * @param token the token id
     * @param top how many of the most likely tokens to tell as well; 0 for none
     * @return the token's log-probability, and the most likely ones
     * @throws IllegalArgumentException if there are not as many logits as tokens, no such token, or if {@code top} is negative
     * @throws Gemma4Exception if a logit is NaN or all are negative infinity
     */
    public TokenScore score(float[] logits, int token, int top) {
        requireSize(logits);
        requireToken(token, "a token to be scored");
        if (top < 0) {
            throw new IllegalArgumentException("top must be at least 0, was " + top);
        }
        float max = requireNumbers(logits);
        requireDrawable(max);
        double logTotal = StrictMath.log(totalWeight(logits, max));
        // Infinite logits are equals.
        double difference = logits[token] == max ? 0 : logits[token] - (double) max;
        return new TokenScore(token, (float) (difference - logTotal), top == 0 ? List.of() : topLogprobs(logits, top, max, logTotal));
    }

    private List<TokenLogprob> topLogprobs(float[] logits, int n, float max, double logTotal) {
        int k = Math.min(n, vocabularySize);
        Candidates top = new Candidates(k);
        new TopK(k, vocabularySize).select(logits, max, top);
        double highest = top.maxLogit(); // not max, where that is infinite
        List<TokenLogprob> result = new ArrayList<>(k);
        for (int i = 0; i < top.size(); i++) {
            result.add(new TokenLogprob(top.token(i), (float) (top.logit(i) - highest - logTotal)));
        }
        result.sort(Comparator.comparingDouble((TokenLogprob t) -> logits[t.token()]).reversed());
        return List.copyOf(result);
    }

    /** The softmax denominator {@code sum exp(logit - max)}, in which infinite logits are equals. */
    private static double totalWeight(float[] logits, double max) {
        double total = 0;
        for (float logit : logits) {
            total += logit == max ? 1 : StrictMath.exp(logit - max);
        }
        return total;
    }

    private void adjust(float[] logits) {
        System.arraycopy(logits, 0, adjusted, 0, vocabularySize);
        for (int i = 0; i < biases.length; i++) {
            // A ban is set, not added: positive infinity minus infinity would be NaN.
            boolean banned = biases[i] == Float.NEGATIVE_INFINITY;
            adjusted[biasedTokens[i]] = banned ? biases[i] : adjusted[biasedTokens[i]] + biases[i];
        }
        if (penalties != null) {
            penalties.apply(adjusted);
        }
    }

    private void requireToken(int token, String what) {
        if (token < 0 || token >= vocabularySize) {
            throw new IllegalArgumentException(what + " must be from 0 to " + (vocabularySize - 1) + ", was " + token);
        }
    }

    private void requireSize(float[] logits) {
        if (logits.length != vocabularySize) {
            throw new IllegalArgumentException("logits must hold " + vocabularySize + " values, one per token, had " + logits.length);
        }
    }

    /** The highest logit, once none of them is NaN. */
    private static float requireNumbers(float[] logits) {
        float max = max(logits);
        if (Float.isNaN(max)) {
            int token = 0;
            while (!Float.isNaN(logits[token])) {
                token++;
            }
            throw new Gemma4Exception("the model produced NaN: the logit of token " + token + " is not a number");
        }
        return max;
    }

    private void requireDrawable(float max) {
        if (max == Float.NEGATIVE_INFINITY) {
            throw new Gemma4Exception("no token can be chosen: all " + vocabularySize
                    + " logits are negative infinity, from the model or because logitBias bans the rest");
        }
    }

    /** The highest value; NaN if there is one. */
    private static float max(float[] values) {
        float max = Float.NEGATIVE_INFINITY;
        for (float value : values) {
            max = Math.max(max, value);
        }
        return max;
    }

    private static int indexOf(float[] values, float value) {
        int i = 0;
        while (values[i] != value) {
            i++;
        }
        return i;
    }
}
