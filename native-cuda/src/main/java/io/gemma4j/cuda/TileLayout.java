package io.gemma4j.cuda;

import io.gemma4j.gguf.GgmlType;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/**
 * How a matrix lies in memory for mat-vecs: tiles of 8 rows, in which one warp reads a contiguous run of bytes. A permutation of the file's bytes,
 * but for zeros that fill the last tile of rows. Immutable.
 *
 * @param type storage type
 * @param columns inputs
 */
record TileLayout(GgmlType type, int columns) {
    /** Rows of a tile. */
    static final int ROWS = 8;
    private static final Set<GgmlType> TYPES = EnumSet.of(GgmlType.F32, GgmlType.F16, GgmlType.BF16, GgmlType.Q4_0, GgmlType.Q4_1, GgmlType.Q5_0,
            GgmlType.Q5_1, GgmlType.Q8_0, GgmlType.Q4_K, GgmlType.Q5_K, GgmlType.Q6_K, GgmlType.IQ4_NL, GgmlType.IQ4_XS, GgmlType.MXFP4);
    private static final int COLUMN_UNIT = 32;
    private static final int ALIGNMENT = 16;

    /** Whether there are kernels for it. */
    static boolean supports(GgmlType type, int columns) {
        return TYPES.contains(type) && columns % COLUMN_UNIT == 0;
    }

    /** The type as kernels have it in their names. */
    String typeName() {
        return type.name().toLowerCase(Locale.ROOT);
    }

    /** Whether the mat-vec reads its input as floats; else as 8-bit numbers in groups. */
    boolean readsFloats() {
        return type.blockElements() == 1;
    }

    int columnsPerTile() {
        return switch (type) {
            case F32 -> 32;
            case F16, BF16 -> 64;
            default -> 256;
        };
    }

    int tilesPerRow() {
        return Math.ceilDiv(columns, columnsPerTile());
    }

    /** Bytes of a whole tile. */
    int tileBytes() {
        return Math.toIntExact(ROWS * type.rowBytes(columnsPerTile()));
    }

    /** Bytes of the tiles of 8 rows. */
    long rowTileBytes() {
        return Math.ceilDiv(ROWS * type.rowBytes(columns), (long) ALIGNMENT) * ALIGNMENT;
    }

    static int rowTiles(long rows) {
        return Math.toIntExact(Math.ceilDiv(rows, (long) ROWS));
    }

    /** Bytes of a matrix. */
    long bytes(long rows) {
        return rowTiles(rows) * rowTileBytes();
    }
}
