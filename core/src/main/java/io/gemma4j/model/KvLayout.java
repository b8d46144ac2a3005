package io.gemma4j.model;

import io.gemma4j.KvType;
import io.gemma4j.backend.KvLayerLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * What the key/value cache of one sequence looks like: a ring for each sliding layer, one slot for each position of the context for each full
 * layer, nothing for layers that use another's.
 *
 * @param layers those of the layers that own keys and values
 */
public record KvLayout(List<KvLayerLayout> layers) {

    /**
     * The layout for a model.
     *
     * @param contextTokens positions the sequence may have
     * @param maxStepRows positions one step may add: while a step is stored, its first row still needs the whole window before it
     */
    public static KvLayout of(Gemma4Config config, int contextTokens, int maxStepRows, KvType type) {
        List<KvLayerLayout> layers = new ArrayList<>();
        for (Gemma4Config.Layer layer : config.layers()) {
            if (layer.ownsKv()) {
                long ring = (long) layer.window() + maxStepRows - 1;
                int slots = (int) Math.min(contextTokens, layer.sliding() ? ring : contextTokens);
                KvType layerType = layer.sliding() ? type.ofSlidingLayers() : type;
                layers.add(KvLayerLayout.of(layer.index(), layer.kvHeads(), layer.headDim(), slots, layerType, maxStepRows));
            }
        }
        return new KvLayout(List.copyOf(layers));
    }

    /** Bytes when {@code tokens} positions are filled. */
    public long bytes(int tokens) {
        return layers.stream().mapToLong(layer -> layer.bytes(tokens)).sum();
    }
}
