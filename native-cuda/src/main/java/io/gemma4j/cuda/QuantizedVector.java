package io.gemma4j.cuda;

/**
 * A vector that mat-vecs read or write: as floats, and as 8-bit numbers in groups of {@link #GROUP} with a scale and a sum for each group. Memory is
 * another's.
 *
 * @param x {@code float[elements]}
 * @param q {@code byte[elements]}
 * @param d {@code float[elements / GROUP]}: one step of {@code q}
 * @param s {@code float[elements / GROUP]}: {@code d} times the sum of {@code q}
 */
record QuantizedVector(DevicePointer x, DevicePointer q, DevicePointer d, DevicePointer s) {
    /** Elements of a group. */
    static final int GROUP = 8;
    private static final int ALIGNMENT = 16;

    private static long aligned(long bytes) {
        return Math.ceilDiv(bytes, (long) ALIGNMENT) * ALIGNMENT;
    }

    /** Bytes of all four. */
    static long bytes(int elements) {
        return aligned(4L * elements) + aligned(elements) + 2 * aligned(4L * elements / GROUP);
    }

    static QuantizedVector at(DevicePointer start, int elements) {
        DevicePointer q = start.plus(aligned(4L * elements));
        DevicePointer d = q.plus(aligned(elements));
        return new QuantizedVector(start, q, d, d.plus(aligned(4L * elements / GROUP)));
    }
}
