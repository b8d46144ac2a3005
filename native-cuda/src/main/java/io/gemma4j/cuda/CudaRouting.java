package io.gemma4j.cuda;

import io.gemma4j.backend.Routing;

/**
 * Choice of experts in device memory: entry {@code r * expertsPerRow + j}, called a slot; and the slots sorted by expert, for steps of several
 * rows.
 *
 * @param experts {@code int[slots]}
 * @param weights {@code float[slots]}
 * @param sortedSlots {@code int[slots]}
 * @param tiles {@code int[4 * (slots / 64 + min(experts, slots))]}
 * @param tileCount {@code int[1]}
 */
record CudaRouting(DevicePointer experts, DevicePointer weights, DevicePointer sortedSlots, DevicePointer tiles, DevicePointer tileCount,
        int expertsPerRow) implements Routing {
    private static final int MAX_EXPERTS = 1024;
    private static final int TILE_SLOTS = 64;

    /** Bytes of everything for so many slots. */
    static long bytes(int slots) {
        return Integer.BYTES * (3L * padded(slots) + 4L * (slots / TILE_SLOTS + Math.min(MAX_EXPERTS, slots)) + 1);
    }

    static CudaRouting at(DevicePointer start, int slots, int expertsPerRow) {
        long array = (long) padded(slots) * Integer.BYTES;
        DevicePointer tiles = start.plus(3 * array);
        return new CudaRouting(start, start.plus(array), start.plus(2 * array), tiles,
                tiles.plus(4L * Integer.BYTES * (slots / TILE_SLOTS + Math.min(MAX_EXPERTS, slots))), expertsPerRow);
    }

    // Arrays start at multiples of 16 bytes.
    private static int padded(int slots) {
        return Math.ceilDiv(slots, 4) * 4;
    }
}
