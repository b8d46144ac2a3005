package io.gemma4j;

/**
 * A token with the natural logarithm of its probability. Immutable and thread-safe.
 *
 * @param token the token id
 * @param logprob ln p, at most 0
 */
public record TokenLogprob(int token, float logprob) {}
