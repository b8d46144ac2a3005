package io.gemma4j.cuda;

/**
 * A matrix of 16-bit floats as the tensor-core products read it; {@code half_panel.cuh} has the layout. Immutable.
 *
 * @param start of the panel, a multiple of 16
 * @param scales {@code float[rows]} that results of each row are multiplied with, or null address for 1
 */
record HalfPanel(DevicePointer start, int rows, int columns, DevicePointer scales) {
    /** Columns that stand together; a matrix is padded to a multiple of them. */
    static final int COLUMNS = 64;
    /** Rows that stand together. */
    static final int ROWS = 8;
    // Products read whole tiles, which may reach past the last rows.
    private static final int SLACK_BYTES = 64 << 10;

    /** Groups of rows. */
    int groups() {
        return groups(rows);
    }

    /** Groups of {@code rows}. */
    static int groups(long rows) {
        return Math.toIntExact(Math.ceilDiv(rows, (long) ROWS));
    }

    /** Columns in units of {@link #COLUMNS}. */
    static int chunks(int columns) {
        return Math.ceilDiv(columns, COLUMNS);
    }

    /** Bytes between a matrix and the next where several stand one after the other. */
    static long matrixBytes(long rows, int columns) {
        return (long) groups(rows) * ROWS * chunks(columns) * COLUMNS * Short.BYTES;
    }

    /** Bytes to allocate. */
    static long bytes(long rows, int columns) {
        return matrixBytes(rows, columns) + SLACK_BYTES;
    }
}
