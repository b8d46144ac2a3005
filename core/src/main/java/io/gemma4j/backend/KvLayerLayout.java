package io.gemma4j.backend;

import io.gemma4j.KvType;

/**
 * Shape of the cache that one layer of one sequence needs.
 *
 * @param layer the layer that owns it
 * @param kvHeads key/value heads
 * @param headDim elements of one head
 * @param slots positions it holds; position {@code p} lives in slot {@code p % slots}, so that a cache with as many slots as the context has
 *     positions is linear and a smaller one is a ring
 * @param type element type
 */
public record KvLayerLayout(int layer, int kvHeads, int headDim, int slots, KvType type) {

    /** Slots are allocated in runs of this many, at first use. */
    public static final int PAGE_SLOTS = 256;

    /** Bytes of keys and values for {@code tokens} positions, in whole pages. */
    public long bytes(int tokens) {
        int pageSlots = Math.min(slots, PAGE_SLOTS);
        long used = (long) Math.ceilDiv(Math.min(tokens, slots), pageSlots) * pageSlots;
        return 2L * used * kvHeads * headDim * type.elementBytes();
    }
}
