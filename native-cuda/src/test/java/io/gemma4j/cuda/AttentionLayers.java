package io.gemma4j.cuda;

import io.gemma4j.backend.AttentionWeights;
import io.gemma4j.backend.RopeFrequencies;
import io.gemma4j.gguf.GgmlType;
import java.util.Random;

/**
 * The attention of two layers with random weights.
 *
 * @param owner has keys and values of its own, as layer 0
 * @param sharing reads those
 */
record AttentionLayers(AttentionWeights owner, AttentionWeights sharing) {
    private static final double NORM_SCALE = 0.3;
    private static final GgmlType TYPE = GgmlType.Q8_0;

    /** {@code values}: whether there is a value projection. */
    static AttentionLayers of(Side side, int hidden, int heads, int kvHeads, int headDim, boolean values, int window, RopeFrequencies rope, Random random) {
        int queries = heads * headDim;
        int keys = kvHeads * headDim;
        AttentionWeights owner = new AttentionWeights(heads, kvHeads, headDim, window, 0, rope, side.vector(hidden, NORM_SCALE, random),
                side.matrix(TYPE, queries, hidden, random), side.matrix(TYPE, keys, hidden, random), values ? side.matrix(TYPE, keys, hidden, random) : null,
                side.vector(headDim, NORM_SCALE, random), side.vector(headDim, NORM_SCALE, random), side.matrix(TYPE, hidden, queries, random),
                side.vector(hidden, NORM_SCALE, random));
        AttentionWeights sharing = new AttentionWeights(heads, kvHeads, headDim, window, 0, rope, side.vector(hidden, NORM_SCALE, random),
                side.matrix(TYPE, queries, hidden, random), null, null, side.vector(headDim, NORM_SCALE, random), null,
                side.matrix(TYPE, hidden, queries, random), side.vector(hidden, NORM_SCALE, random));
        return new AttentionLayers(owner, sharing);
    }
}
