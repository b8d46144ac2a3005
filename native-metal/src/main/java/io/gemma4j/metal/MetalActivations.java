package io.gemma4j.metal;

import io.gemma4j.backend.Activations;
import java.util.Objects;

/**
 * Activations in memory of the GPU. Immutable.
 *
 * @param floats the rows
 * @param rows how many there is room for
 */
record MetalActivations(MetalRows floats, int rows) implements Activations {
    // Kernels read four floats at a time.
    private static final int STRIDE_FLOATS = 4;

    /** Bytes of so many rows. */
    static long bytes(int rows, int width) {
        return (long) rows * stride(width) * Float.BYTES;
    }

    /** All of {@code memory}. */
    static MetalActivations of(BufferSlice memory, int rows, int width) {
        return new MetalActivations(new MetalRows(memory, width, stride(width)), rows);
    }

    private static int stride(int width) {
        return Math.ceilDiv(width, STRIDE_FLOATS) * STRIDE_FLOATS;
    }

    @Override
    public int width() {
        return floats.width();
    }

    @Override
    public MetalActivations columns(int first, int count) {
        Objects.checkFromIndexSize(first, count, width());
        return new MetalActivations(new MetalRows(floats.bytes().from((long) first * Float.BYTES), count, floats.stride()), rows);
    }

    @Override
    public MetalActivations rowsFrom(int first) {
        Objects.checkIndex(first, rows);
        return new MetalActivations(floats.from(first), rows - first);
    }
}
