package io.gemma4j.cuda;

import io.gemma4j.backend.Routing;

/**
 * Choice of experts in device memory: entry {@code r * expertsPerRow + j}, called a slot; and the slots sorted by expert, for steps of several
 * rows. Those of an expert start at a multiple of 8 places; a place between is -1.
 *
 * @param experts {@code int[slots]}
 * @param weights {@code float[slots]}
 * @param sortedSlots {@code int[places(slots, experts)]}
 * @param tiles {@code int[4 * tiles]}: expert, first place, slots, 0
 * @param firstTiles {@code int[experts + 1]}: tiles before those of each expert
 */
record CudaRouting(DevicePointer experts, DevicePointer weights, DevicePointer sortedSlots, DevicePointer tiles, DevicePointer firstTiles,
        int expertsPerRow) implements Routing {
    private static final int MAX_EXPERTS = 1024;

    /** Bytes of everything for so many slots. */
    static long bytes(int slots) {
        return Integer.BYTES * (2L * padded(slots) + places(slots, MAX_EXPERTS) + 4L * tiles(slots) + padded(MAX_EXPERTS + 1));
    }

    static CudaRouting at(DevicePointer start, int slots, int expertsPerRow) {
        long array = (long) padded(slots) * Integer.BYTES;
        DevicePointer sorted = start.plus(2 * array);
        DevicePointer tiles = sorted.plus((long) places(slots, MAX_EXPERTS) * Integer.BYTES);
        return new CudaRouting(start, start.plus(array), sorted, tiles, tiles.plus(4L * Integer.BYTES * tiles(slots)), expertsPerRow);
    }

    /** Places that slots sorted by expert may take. */
    static int places(int slots, int experts) {
        return (slots + (HalfPanel.ROWS - 1) * Math.min(slots, experts) + HalfPanel.ROWS - 1) / HalfPanel.ROWS * HalfPanel.ROWS;
    }

    private static int tiles(int slots) {
        return slots / ProductKernel.ROWS + Math.min(MAX_EXPERTS, slots);
    }

    // Arrays start at multiples of 16 bytes.
    private static int padded(int slots) {
        return Math.ceilDiv(slots, 4) * 4;
    }
}
