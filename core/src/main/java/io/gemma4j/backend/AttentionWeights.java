package io.gemma4j.backend;

/**
 * Weights and geometry of an attention block.
 *
 * @param heads query heads
 * @param kvHeads key/value heads
 * @param headDim elements of a head
 * @param window positions a query sees, itself included
 * @param owner the layer whose cache is read, and written if it is this one
 * @param rope rotation of queries and keys
 * @param norm before the projections
 * @param query projection {@code [heads * headDim][hidden]}
 * @param key projection {@code [kvHeads * headDim][hidden]}, null where another layer owns the cache
 * @param value projection, null where another layer owns the cache or values are the raw key projection
 * @param queryNorm per head
 * @param keyNorm per head, null where another layer owns the cache
 * @param output projection {@code [hidden][heads * headDim]}
 * @param postNorm of the block's result, before it is added to the residual
 */
public record AttentionWeights(int heads, int kvHeads, int headDim, int window, int owner, RopeFrequencies rope, Weight norm, Weight query,
        Weight key, Weight value, Weight queryNorm, Weight keyNorm, Weight output, Weight postNorm) {

    /** Whether this layer writes keys and values. */
    public boolean ownsKv() {
        return key != null;
    }
}
