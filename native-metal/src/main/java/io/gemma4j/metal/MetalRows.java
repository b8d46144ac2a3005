package io.gemma4j.metal;

/**
 * Rows of 32-bit floats, possibly columns of wider rows. Immutable.
 *
 * @param bytes from the first element of the first row on, at least as far as the last one of the last row
 * @param width elements of a row
 * @param stride elements from one row to the next, a multiple of 4
 */
record MetalRows(BufferSlice bytes, int width, int stride) {

    /** The rows from {@code first} on. */
    MetalRows from(int first) {
        return new MetalRows(bytes.from((long) first * stride * Float.BYTES), width, stride);
    }

    /** The first {@code count} rows and no more, so that other rows may be written at the same time. */
    BufferSlice first(int count) {
        return bytes.first(Math.min(bytes.bytes(), (long) count * stride * Float.BYTES));
    }
}
