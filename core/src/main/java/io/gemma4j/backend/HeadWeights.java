package io.gemma4j.backend;

/**
 * Weights of the head.
 *
 * @param norm before the projection
 * @param output {@code [vocabulary][hidden]}, usually the token embedding
 * @param softcap of the logits, 0 for none
 */
public record HeadWeights(Weight norm, Weight output, float softcap) {}
