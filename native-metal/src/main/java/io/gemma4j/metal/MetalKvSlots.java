package io.gemma4j.metal;

import io.gemma4j.KvType;

/**
 * Keys and values of one layer of one sequence: {@code [slots][kvHeads * headDim]} each, position {@code p} in slot {@code p % slots}. Memory that has
 * never been written holds zeros, and reaches to the end of the block of {@value #BLOCK_SLOTS} slots of the newest position at least: kernels
 * read whole blocks. Immutable.
 *
 * @param keys from a multiple of 16 bytes
 * @param values from a multiple of 16 bytes
 * @param type of the elements, F32 or F16
 * @param kvHeads heads
 * @param headDim elements of a head, a multiple of 8, at most {@value #MAX_HEAD_DIM}
 * @param slots modulus of positions
 */
record MetalKvSlots(BufferSlice keys, BufferSlice values, KvType type, int kvHeads, int headDim, int slots) {
    /** Slots that attention reads together. */
    static final int BLOCK_SLOTS = 32;
    /** The largest head there are kernels for. */
    static final int MAX_HEAD_DIM = 512;

    MetalKvSlots {
        if (headDim % 8 != 0 || headDim <= 0 || headDim > MAX_HEAD_DIM) {
            throw new IllegalArgumentException("expected heads of 8, 16 ... " + MAX_HEAD_DIM + " elements, found " + headDim);
        }
        if (type != KvType.F32 && type != KvType.F16) {
            throw new IllegalArgumentException("expected a key/value cache of F32 or F16, found " + type);
        }
    }

    /** Bytes of keys, or of values, that hold {@code count} slots. */
    static long bytes(int count, int kvHeads, int headDim, KvType type) {
        return (long) Math.ceilDiv(count, BLOCK_SLOTS) * BLOCK_SLOTS * kvHeads * type.headBytes(headDim);
    }

    /** Suffix of the kernels that read or write them. */
    String suffix() {
        return type == KvType.F32 ? "_f32" : "_f16";
    }
}
