package io.gemma4j.cuda;

/** Brings matrices back from tiles into the rows of the file, for the few kernels that read those. Used by one thread at a time. Closing frees its memory. */
final class UnpackedRows implements AutoCloseable {
    private final TilePermutation permutation;
    private final ScratchMemory memory;

    UnpackedRows(CudaContext context, TilePermutation permutation, Runnable onMove) {
        this.permutation = permutation;
        memory = new ScratchMemory(context, "rows of a matrix", onMove);
    }

    /** All rows as the file has them, until the next call. */
    DevicePointer rows(CudaWeight weight) {
        if (weight.nativeRows() != null) {
            return weight.nativeRows();
        }
        TileMatrix tiles = weight.tiles();
        int matrices = Math.max(1, weight.pairedMatrices());
        long bytes = weight.rows() * weight.storedType().rowBytes(weight.columns());
        DevicePointer rows = memory.require(bytes);
        permutation.unpack(new TileMatrix(tiles.layout(), tiles.start(), tiles.rows() / matrices), weight.pairedMatrices() == 0
                ? TilePermutation.NativeRows.of(rows) : TilePermutation.NativeRows.paired(rows, matrices, bytes / matrices));
        return rows;
    }

    @Override
    public void close() {
        memory.close();
    }
}
