package io.gemma4j.cuda;

import io.gemma4j.cuda.CudaKernel.Grid;
import io.gemma4j.gguf.GgmlType;

/**
 * Launches products of activations and weights: mat-vecs over tiles for a few rows; for more, products over rows, into which tiles are brought back
 * first. Used by one thread at a time. Closing frees its scratch memory.
 */
final class CudaMatmul implements AutoCloseable {
    // Columns that one step of a product on tensor cores takes; its input is padded to that.
    private static final int CHUNK = 64;
    private static final int INPUT_THREADS = 256;
    // Outputs and rows, or slots, of a block of the kernels that take them so.
    private static final int EXACT_OUTPUTS = 16;
    private static final int EXACT_ROWS = 4;
    private static final int EXPERT_OUTPUTS = 128;
    private static final int EXPERT_SLOTS = 64;
    private static final int EXPERT_THREADS = 128;
    private static final int THREADS = 256;
    // Up to so many rows, a mat-vec for each reads less memory than bringing tiles back into rows.
    private static final int MATVEC_ROWS = 4;
    // Of a matrix in tiles, so much is brought back into rows at a time.
    private static final long UNPACKED_BYTES = 160 << 20;

    private final KernelLibrary kernels;
    private final CudaStream stream;
    private final CudaMatvec matvec;
    private final TilePermutation permutation;
    private final ScratchMemory vector;
    private final ScratchMemory halves;
    private final ScratchMemory scales;
    private final ScratchMemory nativeRows;

    /** A kernel for the product of many rows: how many outputs and rows one of its blocks computes. */
    private enum Shape {
        NARROW_16("_narrow16", 16, 16, 256),
        NARROW_64("_narrow64", 32, 64, 256),
        TILE_64("_tile64", 128, 64, 128),
        TILE_128("", 128, 128, 128);

        final String suffix;
        final int outputs;
        final int rows;
        final int threads;

        Shape(String suffix, int outputs, int rows, int threads) {
            this.suffix = suffix;
            this.outputs = outputs;
            this.rows = rows;
            this.threads = threads;
        }

        static Shape of(int outputCount, int rowCount, int multiprocessors) {
            if (rowCount <= NARROW_64.rows) {
                return rowCount <= NARROW_16.rows ? NARROW_16 : NARROW_64;
            }
            // Large tiles only where there are enough of them for the whole device.
            Grid large = TILE_128.grid(outputCount, rowCount);
            return (long) large.x() * large.y() >= multiprocessors ? TILE_128 : TILE_64;
        }

        Grid grid(int outputCount, int rowCount) {
            int outputBlocks = Math.ceilDiv(outputCount, outputs);
            int rowBlocks = Math.ceilDiv(rowCount, rows);
            return this == TILE_64 || this == TILE_128 ? Grid.of(rowBlocks, outputBlocks) : Grid.of(outputBlocks, rowBlocks);
        }
    }

    CudaMatmul(KernelLibrary kernels, CudaStream stream, CudaMatvec matvec, TilePermutation permutation, Runnable onMove) {
        this.kernels = kernels;
        this.stream = stream;
        this.matvec = matvec;
        this.permutation = permutation;
        vector = new ScratchMemory(stream.context(), "the input of a product", onMove);
        nativeRows = new ScratchMemory(stream.context(), "rows of a matrix", onMove);
        halves = new ScratchMemory(stream.context(), "the input of products", onMove);
        scales = new ScratchMemory(stream.context(), "the scales of products", onMove);
    }

    void matmul(CudaWeight weight, CudaActivations in, CudaActivations out, int rows) {
        TileMatrix tiles = weight.tiles();
        if (tiles != null && rows <= MATVEC_ROWS && weight.pairedMatrices() == 0) {
            for (int row = 0; row < rows; row++) {
                matvec(tiles, in.row(row), out.row(row));
            }
            return;
        }
        if (rows > 1 && weight.storedType() != GgmlType.F32) {
            prepareInput(in, weight.columns(), rows);
        }
        if (tiles == null) {
            product(weight, weight.nativeRows(), Math.toIntExact(weight.rows()), in, out, rows);
        } else {
            products(weight, tiles, in, out, rows);
        }
    }

    private void matvec(TileMatrix tiles, DevicePointer in, DevicePointer out) {
        int columns = tiles.layout().columns();
        QuantizedVector input = QuantizedVector.at(vector.require(QuantizedVector.bytes(columns)), columns);
        if (!tiles.layout().readsFloats()) {
            matvec.quantize(in, columns, input);
        }
        matvec.multiply(tiles, new QuantizedVector(in, input.q(), input.d(), input.s()), new CudaMatvec.Planes(out, DevicePointer.NULL));
    }

    /** Products with the matrix brought back into rows, some at a time. */
    private void products(CudaWeight weight, TileMatrix tiles, CudaActivations in, CudaActivations out, int rows) {
        long rowBytes = weight.storedType().rowBytes(weight.columns());
        int together = Math.toIntExact(Math.max(1, UNPACKED_BYTES / rowBytes / TileLayout.ROWS)) * TileLayout.ROWS;
        DevicePointer unpacked = nativeRows.require(Math.min(together, tiles.rows()) * rowBytes);
        for (int first = 0; first < tiles.rows(); first += together) {
            int count = Math.min(together, tiles.rows() - first);
            TileMatrix part = new TileMatrix(tiles.layout(), tiles.row(first), count);
            if (weight.pairedMatrices() == 0) {
                permutation.unpack(part, TilePermutation.NativeRows.of(unpacked));
                product(weight, unpacked, count, in, out.columns(first, count), rows);
            } else {
                int half = count / 2;
                permutation.unpack(part, TilePermutation.NativeRows.paired(unpacked, 1, count * rowBytes));
                product(weight, unpacked, half, in, out.columns(first / 2, half), rows);
                product(weight, unpacked.plus(half * rowBytes), half, in, out.columns((tiles.rows() + first) / 2, half), rows);
            }
        }
    }

    /** For more than one row, the input has been prepared. */
    private void product(CudaWeight weight, DevicePointer matrix, int outputs, CudaActivations in, CudaActivations out, int rows) {
        if (rows == 1 || weight.storedType() == GgmlType.F32) {
            kernels.kernel("matmul_" + weight.kernelType() + "_exact").pointer(matrix).int32(outputs).int32(weight.columns())
                    .pointer(in.start()).int64(in.stride()).int32(rows).pointer(out.start()).int64(out.stride())
                    .launch(stream, Grid.of(Math.ceilDiv(outputs, EXACT_OUTPUTS), Math.ceilDiv(rows, EXACT_ROWS)), THREADS, 0);
            return;
        }
        Shape shape = Shape.of(outputs, rows, stream.context().device().multiprocessors());
        kernels.kernel("matmul_" + weight.kernelType() + shape.suffix).pointer(matrix).int32(outputs).int32(weight.columns())
                .pointer(halves.require(1)).pointer(scales.require(1)).int32(rows).pointer(out.start()).int64(out.stride())
                .launch(stream, shape.grid(outputs, rows), shape.threads, 0);
    }

    /** All rows as the file has them, until the next product. */
    DevicePointer nativeRows(CudaWeight weight) {
        TileMatrix tiles = weight.tiles();
        if (weight.nativeRows() != null) {
            return weight.nativeRows();
        }
        int matrices = Math.max(1, weight.pairedMatrices());
        long bytes = weight.rows() * weight.storedType().rowBytes(weight.columns());
        DevicePointer unpacked = nativeRows.require(bytes);
        permutation.unpack(new TileMatrix(tiles.layout(), tiles.start(), tiles.rows() / matrices), weight.pairedMatrices() == 0
                ? TilePermutation.NativeRows.of(unpacked) : TilePermutation.NativeRows.paired(unpacked, matrices, bytes / matrices));
        return unpacked;
    }

    private void prepareInput(CudaActivations in, int columns, int rows) {
        DevicePointer to = halves.require((long) rows * Math.ceilDiv(columns, CHUNK) * CHUNK * Short.BYTES);
        kernels.kernel("matmul_input").pointer(in.start()).int64(in.stride()).int32(columns).pointer(to)
                .pointer(scales.require((long) rows * Float.BYTES)).launch(stream, Grid.of(rows), INPUT_THREADS, 0);
    }

    void routeExperts(CudaActivations logits, DevicePointer expertScale, CudaRouting routing, int rows) {
        int experts = logits.width();
        kernels.kernel("route_experts").pointer(logits.start()).int64(logits.stride()).int32(experts).pointer(expertScale)
                .int32(routing.expertsPerRow()).pointer(routing.experts()).pointer(routing.weights()).int32(rows)
                .launchEarly(stream, Grid.of(Math.ceilDiv(rows, 4)), 128, 0);
        if (rows > 1) {
            kernels.kernel("group_slots").pointer(routing.experts()).int32(rows * routing.expertsPerRow()).int32(experts)
                    .pointer(routing.sortedSlots()).pointer(routing.tiles()).pointer(routing.tileCount())
                    .launch(stream, Grid.of(1), 1024, 8 * experts);
        }
    }

    void expertMatmul(CudaWeight experts, CudaActivations in, boolean inputPerExpert, CudaRouting routing, CudaActivations out, int rows) {
        int outputs = out.width();
        int slots = rows * routing.expertsPerRow();
        int slotsPerInputRow = inputPerExpert ? 1 : routing.expertsPerRow();
        DevicePointer matrices = nativeRows(experts);
        if (rows == 1 || experts.storedType() == GgmlType.F32) {
            kernels.kernel("expert_matmul_" + experts.kernelType() + "_exact").pointer(matrices).int32(outputs).int32(experts.columns())
                    .pointer(in.start()).int64(in.stride()).int32(slotsPerInputRow).pointer(routing.experts()).pointer(out.start())
                    .int64(out.stride()).launch(stream, Grid.of(Math.ceilDiv(outputs, EXACT_OUTPUTS), slots), THREADS, 0);
            return;
        }
        prepareInput(in, experts.columns(), inputPerExpert ? slots : rows);
        int expertCount = Math.toIntExact(experts.rows() / outputs);
        kernels.kernel("expert_matmul_" + experts.kernelType()).pointer(matrices).int32(outputs).int32(experts.columns())
                .pointer(halves.require(1)).pointer(scales.require(1)).int32(slotsPerInputRow).pointer(routing.sortedSlots())
                .pointer(routing.tiles()).pointer(routing.tileCount()).pointer(out.start()).int64(out.stride())
                .launch(stream, Grid.of(Math.ceilDiv(outputs, EXPERT_OUTPUTS), slots / EXPERT_SLOTS + Math.min(expertCount, slots)), EXPERT_THREADS, 0);
    }

    void combineExperts(CudaActivations in, CudaRouting routing, CudaActivations out, int rows) {
        kernels.kernel("combine_experts").pointer(in.start()).int64(in.stride()).pointer(routing.weights()).int32(routing.expertsPerRow())
                .pointer(out.start()).int64(out.stride()).int32(out.width())
                .launch(stream, Grid.of(Math.ceilDiv(out.width(), THREADS), rows), THREADS, 0);
    }

    @Override
    public void close() {
        vector.close();
        nativeRows.close();
        halves.close();
        scales.close();
    }
}
