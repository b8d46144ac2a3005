package io.gemma4j.cuda;

import io.gemma4j.cuda.CudaKernel.Grid;

/**
 * Decodes weights to panels of 16-bit floats, in memory that the next ones overwrite. Used by one thread at a time. Closing frees the memory.
 */
final class WeightPanels implements AutoCloseable {
    /** Of a large matrix, or of many experts, so much is decoded at a time. */
    static final long TOGETHER_BYTES = 512 << 20;
    private static final int THREADS = 256;
    private static final int TILES_PER_BLOCK = 8;
    private static final int RUN = 16;

    private final KernelLibrary kernels;
    private final CudaStream stream;
    private final UnpackedRows unpacked;
    private final ScratchMemory memory;

    WeightPanels(KernelLibrary kernels, CudaStream stream, UnpackedRows unpacked, Runnable onMove) {
        this.kernels = kernels;
        this.stream = stream;
        this.unpacked = unpacked;
        memory = new ScratchMemory(stream.context(), "decoded weights", onMove);
    }

    /**
     * Decoded matrices of the same shape.
     *
     * @param rows of each
     * @param matrixBytes from one to the next
     */
    record Panels(DevicePointer start, int rows, int columns, long matrixBytes) {

        int groups() {
            return HalfPanel.groups(rows);
        }
    }

    /** Makes room, so that later calls do not allocate. */
    void reserve(long rows, int columns) {
        memory.require(Math.min(HalfPanel.matrixBytes(rows, columns), TOGETHER_BYTES) + HalfPanel.bytes(0, columns));
    }

    /** Rows of a matrix to decode at a time: all if {@code columns} allow it, else a multiple of 8. */
    static int rowsTogether(long rows, int columns) {
        long fits = TOGETHER_BYTES / HalfPanel.matrixBytes(HalfPanel.ROWS, columns) * HalfPanel.ROWS;
        return Math.toIntExact(Math.min(rows, Math.max(HalfPanel.ROWS, fits)));
    }

    /** Rows {@code first .. first + count - 1}; {@code first} is a multiple of 8. */
    Panels decode(CudaWeight weight, int first, int count) {
        return decode(weight, first, count, 1, false, DevicePointer.NULL, 0);
    }

    /** All rows where gate and up alternate by fours, in the order in which the products with GEGLU take them. */
    Panels decodePaired(CudaWeight weight) {
        return decode(weight, 0, Math.toIntExact(weight.rows()), 1, true, DevicePointer.NULL, 0);
    }

    /**
     * The matrices of experts {@code first .. first + count - 1}, of {@code rows} rows each, without those that no slot has chosen.
     *
     * @param firstTiles {@code int[experts + 1]}: an expert was chosen if its entry differs from the next
     */
    Panels decodeExperts(CudaWeight weight, int rows, int first, int count, DevicePointer firstTiles) {
        return decode(weight, (long) first * rows, rows, count, weight.pairedMatrices() > 0, firstTiles, first);
    }

    private Panels decode(CudaWeight weight, long first, int rows, int matrices, boolean paired, DevicePointer firstTiles, int firstMatrix) {
        int columns = weight.columns();
        long panelBytes = HalfPanel.matrixBytes(rows, columns);
        DevicePointer panels = memory.require(matrices * panelBytes + HalfPanel.bytes(0, columns));
        TileMatrix tiles = weight.tiles();
        if (tiles != null && (matrices == 1 || rows % TileLayout.ROWS == 0)) {
            int rowTiles = TileLayout.rowTiles(rows);
            kernels.kernel("dequantize_" + weight.kernelType()).pointer(tiles.row(first)).int32(rowTiles).int32(columns)
                    .int64(tiles.layout().bytes(rows)).pointer(panels).int64(panelBytes).int32(paired ? 1 : 0).pointer(firstTiles).int32(firstMatrix)
                    .launch(stream, new Grid(tiles.layout().tilesPerRow(), Math.ceilDiv(rowTiles, TILES_PER_BLOCK), matrices), THREADS, 0);
        } else {
            long rowBytes = weight.storedType().rowBytes(columns);
            kernels.kernel("dequantize_rows_" + weight.kernelType()).pointer(unpacked.rows(weight).plus(first * rowBytes)).int32(rows).int32(columns)
                    .int64(rows * rowBytes).pointer(panels).int64(panelBytes).pointer(firstTiles).int32(firstMatrix)
                    .launch(stream, new Grid(HalfPanel.groups(rows) * HalfPanel.ROWS,
                            Math.ceilDiv(HalfPanel.chunks(columns) * HalfPanel.COLUMNS / RUN, THREADS), matrices), THREADS, 0);
        }
        return new Panels(panels, rows, columns, panelBytes);
    }

    @Override
    public void close() {
        memory.close();
    }
}
