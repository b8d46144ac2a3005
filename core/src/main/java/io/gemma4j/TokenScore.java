package io.gemma4j;

import java.util.List;

/**
 * How likely a model found a token at its place: the model's own distribution, {@code ln softmax(logits)} over the whole vocabulary, before sampling
 * options and constraints. Immutable and thread-safe.
 *
 * @param token the token id
 * @param logprob ln p of the token, at most 0; negative infinity for one that the model excludes
 * @param top the most likely tokens at this place, most likely first; as many as were asked for
 */
public record TokenScore(int token, float logprob, List<TokenLogprob> top) {

    /** Copies the list. */
    public TokenScore {
        top = List.copyOf(top);
    }
}
