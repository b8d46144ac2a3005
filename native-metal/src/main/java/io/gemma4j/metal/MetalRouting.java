package io.gemma4j.metal;

import io.gemma4j.backend.Routing;

/** The choice of experts in memory of the GPU. Immutable. */
record MetalRouting(MetalExperts.Slots slots) implements Routing {

    /** Bytes of the choice for so many rows. */
    static long bytes(int rows, int expertsPerRow) {
        return 2L * rows * expertsPerRow * Integer.BYTES;
    }

    static MetalRouting of(BufferSlice memory, int expertsPerRow) {
        long half = memory.bytes() / 2;
        return new MetalRouting(new MetalExperts.Slots(memory.first(half), memory.from(half), expertsPerRow));
    }

    @Override
    public int expertsPerRow() {
        return slots.perRow();
    }
}
