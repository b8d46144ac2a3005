package io.gemma4j.backend;

/**
 * Weights of a feed-forward block.
 *
 * @param norm before the projections
 * @param gateUp gate rows, then up rows {@code [2 * width][hidden]}; null where they could not be joined
 * @param gate {@code [width][hidden]}, null where joined
 * @param up {@code [width][hidden]}, null where joined
 * @param down {@code [hidden][width]}
 * @param postNorm of the block's result, before it is added to the residual
 */
public record FeedForwardWeights(Weight norm, Weight gateUp, Weight gate, Weight up, Weight down, Weight postNorm) {}
