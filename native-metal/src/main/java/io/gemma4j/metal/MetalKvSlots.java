package io.gemma4j.metal;

import io.gemma4j.KvType;
import java.util.Locale;

/**
 * Keys and values of one layer of one sequence: {@code [slots][kvHeads][head]} each, position {@code p} in slot {@code p % slots}, heads as
 * {@link KvType#headBytes} says. Memory that has never been written holds zeros, and reaches to the end of the block of {@value #BLOCK_SLOTS} slots of
 * the newest position at least: kernels read whole blocks. Immutable.
 *
 * @param keys from a multiple of 16 bytes
 * @param values from a multiple of 16 bytes
 * @param type of the elements
 * @param kvHeads heads
 * @param headDim elements of a head, a multiple of 8, of 32 where the type is compressed, at most {@value #MAX_HEAD_DIM}
 * @param slots modulus of positions
 * @param tail the latest positions once more, null where the type has none
 */
record MetalKvSlots(BufferSlice keys, BufferSlice values, KvType type, int kvHeads, int headDim, int slots, Tail tail) {
    /** Slots that attention reads together. */
    static final int BLOCK_SLOTS = 32;
    /** The largest head there are kernels for. */
    static final int MAX_HEAD_DIM = 512;

    /**
     * Rotated 16-bit floats, {@code [slots][kvHeads * headDim]} each, position {@code p} in slot {@code p % slots}. Immutable.
     *
     * @param keys from a multiple of 16 bytes
     * @param values from a multiple of 16 bytes
     * @param slots a multiple of 64
     */
    record Tail(BufferSlice keys, BufferSlice values, int slots) {}

    MetalKvSlots {
        int multiple = type.compressed() ? 32 : 8;
        if (headDim % multiple != 0 || headDim <= 0 || headDim > MAX_HEAD_DIM) {
            throw new IllegalArgumentException("expected heads of " + multiple + ", " + 2 * multiple + " ... " + MAX_HEAD_DIM + " elements, found " + headDim);
        }
        if (tail != null != rotated(type)) {
            throw new IllegalArgumentException("a cache of type " + type + (tail == null ? " without" : " with") + " a tail");
        }
    }

    /** Without a tail. */
    MetalKvSlots(BufferSlice keys, BufferSlice values, KvType type, int kvHeads, int headDim, int slots) {
        this(keys, values, type, kvHeads, headDim, slots, null);
    }

    /** Bytes of keys, or of values, that hold {@code count} slots. */
    static long bytes(int count, int kvHeads, int headDim, KvType type) {
        return (long) Math.ceilDiv(count, BLOCK_SLOTS) * BLOCK_SLOTS * kvHeads * type.headBytes(headDim);
    }

    private static boolean rotated(KvType type) {
        return type == KvType.TQ4;
    }

    /** Whether keys and values are rotated, and there is a tail of them. */
    boolean rotated() {
        return rotated(type);
    }

    /** Suffix of the kernels that read or write them. */
    String suffix() {
        return "_" + type.name().toLowerCase(Locale.ROOT);
    }
}
