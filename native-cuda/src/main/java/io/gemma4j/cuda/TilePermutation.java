package io.gemma4j.cuda;

import io.gemma4j.cuda.CudaKernel.Grid;

/** Launches the permutation of rows to tiles and back, bit for bit. Used by one thread at a time. */
final class TilePermutation {
    private static final int THREADS = 256;
    private static final int THREADS_PER_TILE = 4;

    private final KernelLibrary kernels;
    private final CudaStream stream;

    TilePermutation(KernelLibrary kernels, CudaStream stream) {
        this.kernels = kernels;
        this.stream = stream;
    }

    /**
     * Rows of the file.
     *
     * @param lower the rows, or the lower half of each matrix where both halves alternate
     * @param upper the upper half, or null where rows are in order
     * @param matrices how many, {@code stride} bytes apart
     */
    record NativeRows(DevicePointer lower, DevicePointer upper, int matrices, long stride) {

        static NativeRows of(DevicePointer rows) {
            return new NativeRows(rows, DevicePointer.NULL, 1, 0);
        }

        /** Matrices one after the other, whose halves alternate in tiles. */
        static NativeRows paired(DevicePointer rows, int matrices, long matrixBytes) {
            return new NativeRows(rows, rows.plus(matrixBytes / 2), matrices, matrixBytes);
        }
    }

    /** Fills {@code to}; its rows are those of one matrix. */
    void pack(NativeRows from, TileMatrix to) {
        kernels.kernel(file(to)).pointer(from.lower()).pointer(from.upper()).pointer(to.start()).int32(to.rows())
                .int32(to.layout().columns()).int64(from.stride()).int64(to.layout().bytes(to.rows())).launch(stream, grid(to, from), THREADS, 0);
    }

    /** Fills {@code to} with the rows of {@code from}, which are those of one matrix. */
    void unpack(TileMatrix from, NativeRows to) {
        kernels.kernel(file(from), "unpack_" + from.layout().typeName()).pointer(to.lower()).pointer(to.upper()).pointer(from.start()).int32(from.rows())
                .int32(from.layout().columns()).int64(to.stride()).int64(from.layout().bytes(from.rows())).launch(stream, grid(from, to), THREADS, 0);
    }

    private static String file(TileMatrix tiles) {
        return "repack_" + tiles.layout().typeName();
    }

    private static Grid grid(TileMatrix tiles, NativeRows rows) {
        int rowTiles = TileLayout.rowTiles(tiles.rows());
        return Grid.of(Math.ceilDiv(rowTiles * tiles.layout().tilesPerRow() * THREADS_PER_TILE, THREADS), rows.matrices());
    }
}
