package io.gemma4j.backend;

/**
 * Weights of one layer.
 *
 * @param attention of every layer
 * @param feedForward of every layer
 * @param experts null in models without
 * @param perLayerEmbedding null in models without
 * @param outputScale the residual is multiplied by it at the end
 */
public record LayerWeights(AttentionWeights attention, FeedForwardWeights feedForward, ExpertWeights experts,
        PerLayerEmbeddingWeights perLayerEmbedding, float outputScale) {}
