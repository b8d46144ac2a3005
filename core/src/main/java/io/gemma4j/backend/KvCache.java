package io.gemma4j.backend;

import java.util.List;

/**
 * Keys and values of one sequence: one {@link KvLayer} for each layer that owns keys and values, and how many positions are valid. Belongs
 * to one caller at a time.
 */
public final class KvCache implements AutoCloseable {
    private final KvLayer[] byLayer;
    private final int contextTokens;
    private int tokens;

    /**
     * Wraps the layers' caches.
     *
     * @param layers the caches of the layers that own one
     * @param modelLayers number of layers of the model
     * @param contextTokens positions the sequence may have
     */
    public KvCache(List<KvLayer> layers, int modelLayers, int contextTokens) {
        this.byLayer = new KvLayer[modelLayers];
        for (KvLayer layer : layers) {
            byLayer[layer.layout().layer()] = layer;
        }
        this.contextTokens = contextTokens;
    }

    /** The cache that layer {@code owner} writes. */
    public KvLayer layer(int owner) {
        return byLayer[owner];
    }

    /** Positions the sequence may have. */
    public int contextTokens() {
        return contextTokens;
    }

    /** Valid positions. */
    public int tokens() {
        return tokens;
    }

    /** Declares {@code count} more positions valid, once a step that wrote them has finished. */
    public void append(int count) {
        if (count < 0 || tokens + count > contextTokens) {
            throw new IllegalArgumentException(tokens + " + " + count + " positions in a cache of " + contextTokens);
        }
        tokens += count;
    }

    /** Forgets everything; the memory is kept. */
    public void clear() {
        tokens = 0;
    }

    @Override
    public void close() {
        for (KvLayer layer : byLayer) {
            if (layer != null) {
                layer.close();
            }
        }
    }
}
