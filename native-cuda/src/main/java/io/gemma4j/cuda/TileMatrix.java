package io.gemma4j.cuda;

/**
 * A matrix in tiles. Immutable.
 *
 * @param start of the tiles
 */
record TileMatrix(TileLayout layout, DevicePointer start, int rows) {

    /** Where the tiles of {@code row}, a multiple of 8, start. */
    DevicePointer row(long row) {
        return start.plus(row / TileLayout.ROWS * layout.rowTileBytes());
    }
}
