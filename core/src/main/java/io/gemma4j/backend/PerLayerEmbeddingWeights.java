package io.gemma4j.backend;

/**
 * Weights that mix a token's per-layer embedding into the residual.
 *
 * @param gate {@code [perLayerWidth][hidden]}
 * @param projection {@code [hidden][perLayerWidth]}
 * @param postNorm of the result, before it is added to the residual
 */
public record PerLayerEmbeddingWeights(Weight gate, Weight projection, Weight postNorm) {}
