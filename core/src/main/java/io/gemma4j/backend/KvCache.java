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
    // Positions that a step has ever written since the cache was empty, valid or not: each has taken the place of another in a ring.
    private int writtenPositions;

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

    /** Says that a step is about to write {@code count} more positions, which may fail. */
    public void begin(int count) {
        writtenPositions = Math.max(writtenPositions, tokens + count);
    }

    /** Declares {@code count} more positions valid, once a step that wrote them has finished. */
    public void append(int count) {
        if (count < 0 || tokens + count > contextTokens) {
            throw new IllegalArgumentException(tokens + " + " + count + " positions in a cache of " + contextTokens);
        }
        tokens += count;
        writtenPositions = Math.max(writtenPositions, tokens);
    }

    /**
     * Forgets the last positions, unless a ring has lost keys that the next position will want to see.
     *
     * @param count valid positions to keep
     * @param window positions that a layer with a ring sees, the newest included
     * @return whether it was possible; otherwise nothing has changed
     * @throws IllegalArgumentException if there are not so many positions
     */
    public boolean truncate(int count, int window) {
        if (count < 0 || count > tokens) {
            throw new IllegalArgumentException(count + " positions to be kept of " + tokens);
        }
        int oldestSeen = Math.max(0, count + 1 - window);
        for (KvLayer layer : byLayer) {
            if (layer != null && oldestSeen < writtenPositions - layer.layout().slots()) {
                return false;
            }
        }
        tokens = count;
        return true;
    }

    /** Forgets everything; the memory is kept. */
    public void clear() {
        tokens = 0;
        writtenPositions = 0;
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
