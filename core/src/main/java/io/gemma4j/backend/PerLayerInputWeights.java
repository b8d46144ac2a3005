package io.gemma4j.backend;

/**
 * Weights that make the per-layer embeddings of a token for a run of consecutive layers.
 *
 * @param firstLayer first of them
 * @param layers how many
 * @param width elements for one layer
 * @param table {@code [vocabulary][modelLayers * width]}
 * @param projection of the token's embedding {@code [layers * width][hidden]}
 * @param norm of the projection, for one layer's part
 */
public record PerLayerInputWeights(int firstLayer, int layers, int width, Weight table, Weight projection, Weight norm) {}
