package io.gemma4j;

import java.util.List;

/**
 * How likely a model finds a given continuation of a text. Immutable and thread-safe.
 *
 * @param tokens the tokens of the continuation, in their order
 */
public record Score(List<TokenScore> tokens) {

    /** Copies the list. */
    public Score {
        tokens = List.copyOf(tokens);
    }

    /**
     * The log-likelihood of the continuation.
     *
     * @return {@code sum ln p}, at most 0
     */
    public double logLikelihood() {
        return tokens.stream().mapToDouble(TokenScore::logprob).sum();
    }

    /**
     * The perplexity of the continuation.
     *
     * @return {@code exp(-logLikelihood / tokens)}, at least 1
     */
    public double perplexity() {
        return Math.exp(-logLikelihood() / tokens.size());
    }
}
