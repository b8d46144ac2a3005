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
    // Of the tails: the first position that none of them has lost, and the end of what was written to them, since positions were last forgotten.
    private int tailFrom;
    private int tailEnd;

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

    /**
     * From where on a query reads keys and values from the tails of the layers that have one ({@link KvLayerLayout#tailSlots}), up to its own position;
     * what is older it reads from the first store. May be asked for the first of a few consecutive queries, for all of them.
     *
     * @param position of the query, not before those of the step that is running
     * @return a multiple of {@link KvLayerLayout#TAIL_TILE}; beyond {@code position} where the tails hold too little
     */
    public int tailFrom(int position) {
        int from = Math.max(tailFrom, position - KvLayerLayout.TAIL_REACH);
        return Math.ceilDiv(from, KvLayerLayout.TAIL_TILE) * KvLayerLayout.TAIL_TILE;
    }

    /** The first position that no tail has lost by forgetting; changes only when positions are forgotten. */
    public int tailFrom() {
        return tailFrom;
    }

    /** Says that a step is about to write {@code count} more positions, which may fail. */
    public void begin(int count) {
        writtenPositions = Math.max(writtenPositions, tokens + count);
        tailEnd = Math.max(tailEnd, tokens + count);
    }

    /** Declares {@code count} more positions valid, once a step that wrote them has finished. */
    public void append(int count) {
        if (count < 0 || tokens + count > contextTokens) {
            throw new IllegalArgumentException(tokens + " + " + count + " positions in a cache of " + contextTokens);
        }
        begin(count);
        tokens += count;
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
        for (KvLayer layer : byLayer) {
            if (layer != null && layer.layout().tailSlots() > 0) {
                tailFrom = Math.max(tailFrom, tailEnd - layer.layout().tailSlots());
            }
        }
        tailFrom = Math.min(tailFrom, count);
        tailEnd = count;
        tokens = count;
        return true;
    }

    /** Forgets everything; the memory is kept. */
    public void clear() {
        tokens = 0;
        writtenPositions = 0;
        tailFrom = 0;
        tailEnd = 0;
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
