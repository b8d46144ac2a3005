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
 * @param tailSlots slots of the tail, a second store beside the first: keys and values of the most recent positions as rotated 16-bit floats
 *     ({@link HeadRotation}), position {@code p} in slot {@code p % tailSlots}. A multiple of {@value #TAIL_TILE} for TQ4, 0 for other types
 */
public record KvLayerLayout(int layer, int kvHeads, int headDim, int slots, KvType type, int tailSlots) {

    /** Slots are allocated in runs of this many, at first use. */
    public static final int PAGE_SLOTS = 256;
    /** A query reads at least as many positions from the tail, itself included, as long as the tail still has them. */
    public static final int TAIL_TOKENS = 128;
    /** What is read from the tail begins at a multiple of this. */
    public static final int TAIL_TILE = 64;
    /** How far before a query what is read from its tail may begin. */
    static final int TAIL_REACH = TAIL_TOKENS + TAIL_TILE - 1;

    /** Checks that the type can hold such heads. */
    public KvLayerLayout {
        if (type.compressed() && headDim % HeadScale.ELEMENTS != 0) {
            throw new IllegalArgumentException("a key/value cache of type " + type + " needs heads of a multiple of " + HeadScale.ELEMENTS
                    + " elements; those of layer " + layer + " have " + headDim + ": use F16");
        }
        if (tailSlots % TAIL_TILE != 0 || tailSlots > 0 != (type == KvType.TQ4)) {
            throw new IllegalArgumentException("a tail of " + tailSlots + " slots for a cache of type " + type);
        }
    }

    /** A layout without a tail. */
    public KvLayerLayout(int layer, int kvHeads, int headDim, int slots, KvType type) {
        this(layer, kvHeads, headDim, slots, type, 0);
    }

    /**
     * A layout with a tail where the type has one.
     *
     * @param maxStepRows positions one step may add: while it is stored, its first row still needs the tail before it
     */
    public static KvLayerLayout of(int layer, int kvHeads, int headDim, int slots, KvType type, int maxStepRows) {
        long tail = Math.min(slots, (long) TAIL_REACH + maxStepRows);
        return new KvLayerLayout(layer, kvHeads, headDim, slots, type, type == KvType.TQ4 ? Math.ceilDiv((int) tail, TAIL_TILE) * TAIL_TILE : 0);
    }

    /** Bytes of keys, or of values, of one head at one position, the tail aside. */
    public long headBytes() {
        return type.headBytes(headDim);
    }

    /** Bytes of keys, or of values, of one head at one position of the tail. */
    public long tailHeadBytes() {
        return KvType.F16.headBytes(headDim);
    }

    /** Bytes of keys and values for {@code tokens} positions, in whole pages. */
    public long bytes(int tokens) {
        return 2L * kvHeads * (pagedSlots(tokens, slots) * headBytes() + pagedSlots(tokens, tailSlots) * tailHeadBytes());
    }

    private static long pagedSlots(int tokens, int slots) {
        int pageSlots = Math.max(1, Math.min(slots, PAGE_SLOTS));
        return (long) Math.ceilDiv(Math.min(tokens, slots), pageSlots) * pageSlots;
    }
}
