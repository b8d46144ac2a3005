package io.gemma4j.cuda;

import io.gemma4j.cuda.CudaKernel.Grid;
import io.gemma4j.gguf.GgmlType;

/**
 * Chooses how products of activations and weights are computed: by mat-vecs over tiles for a few rows, on tensor cores for more, in 32-bit floats where the
 * weights are such. Used by one thread at a time. Closing frees its scratch memory.
 */
final class CudaMatmul implements AutoCloseable {
    // Outputs and rows of a block of the kernels in 32-bit floats.
    private static final int EXACT_OUTPUTS = 16;
    private static final int EXACT_ROWS = 4;
    // Outputs and rows of a block with 32-bit weights in tiles.
    private static final int F32_TILE = 64;
    private static final int THREADS = 256;
    private static final int GROUP_THREADS = 1024;
    // Up to so many rows, a mat-vec for each reads less memory than decoding the weights to memory.
    private static final int MATVEC_ROWS = 4;

    private final KernelLibrary kernels;
    private final CudaStream stream;
    private final CudaMatvec matvec;
    private final PanelProducts panels;
    private final UnpackedRows unpacked;
    private final ScratchMemory vector;

    /** {@code warpgroups}: see {@link ProductKernel#of}. */
    CudaMatmul(KernelLibrary kernels, CudaStream stream, CudaMatvec matvec, TilePermutation permutation, boolean warpgroups, Runnable onMove) {
        this.kernels = kernels;
        this.stream = stream;
        this.matvec = matvec;
        unpacked = new UnpackedRows(stream.context(), permutation, onMove);
        panels = new PanelProducts(kernels, stream, new WeightPanels(kernels, stream, unpacked, onMove), warpgroups, onMove);
        vector = new ScratchMemory(stream.context(), "the input of a product", onMove);
    }

    /** Products of many rows. */
    PanelProducts panels() {
        return panels;
    }

    void matmul(CudaWeight weight, CudaActivations in, CudaActivations out, int rows) {
        TileMatrix tiles = weight.tiles();
        int mostMatvecs = FewRowProducts.take(weight, rows) ? 1 : MATVEC_ROWS;
        if (tiles != null && rows <= mostMatvecs && weight.pairedMatrices() == 0) {
            for (int row = 0; row < rows; row++) {
                matvec(tiles, in.row(row), out.row(row));
            }
        } else if (tiles != null && weight.storedType() == GgmlType.F32 && weight.pairedMatrices() == 0 && aligned(in)) {
            kernels.kernel("matmul_f32_tiles").pointer(tiles.start()).int32(tiles.rows()).int32(weight.columns()).pointer(in.start())
                    .int64(in.stride()).int32(rows).pointer(out.start()).int64(out.stride())
                    .launch(stream, Grid.of(Math.ceilDiv(tiles.rows(), F32_TILE), Math.ceilDiv(rows, F32_TILE)), THREADS, 0);
        } else if (rows == 1 || weight.storedType() == GgmlType.F32) {
            int outputs = Math.toIntExact(weight.rows());
            kernels.kernel("matmul_" + weight.kernelType() + "_exact").pointer(unpacked.rows(weight)).int32(outputs).int32(weight.columns())
                    .pointer(in.start()).int64(in.stride()).int32(rows).pointer(out.start()).int64(out.stride())
                    .launch(stream, Grid.of(Math.ceilDiv(outputs, EXACT_OUTPUTS), Math.ceilDiv(rows, EXACT_ROWS)), THREADS, 0);
        } else {
            panels.multiply(weight, panels.input(in, weight.columns(), rows), out);
        }
    }

    private static boolean aligned(CudaActivations in) {
        return in.start().address() % 16 == 0 && in.stride() % 4 == 0;
    }

    private void matvec(TileMatrix tiles, DevicePointer in, DevicePointer out) {
        int columns = tiles.layout().columns();
        QuantizedVector input = QuantizedVector.at(vector.require(QuantizedVector.bytes(columns)), columns);
        if (!tiles.layout().readsFloats()) {
            matvec.quantize(in, columns, input);
        }
        matvec.multiply(tiles, new QuantizedVector(in, input.q(), input.d(), input.s()), new CudaMatvec.Planes(out, DevicePointer.NULL));
    }

    /** All rows as the file has them, until the next product. */
    DevicePointer nativeRows(CudaWeight weight) {
        return unpacked.rows(weight);
    }

    void routeExperts(CudaActivations logits, DevicePointer expertScale, CudaRouting routing, int rows) {
        int experts = logits.width();
        kernels.kernel("route_experts").pointer(logits.start()).int64(logits.stride()).int32(experts).pointer(expertScale)
                .int32(routing.expertsPerRow()).pointer(routing.experts()).pointer(routing.weights()).int32(rows)
                .launchEarly(stream, Grid.of(Math.ceilDiv(rows, 4)), 128, 0);
        if (rows > 1) {
            groupSlots(routing, rows * routing.expertsPerRow(), experts);
        }
    }

    private void groupSlots(CudaRouting routing, int slots, int experts) {
        kernels.kernel("group_slots").pointer(routing.experts()).int32(slots).int32(experts).pointer(routing.sortedSlots())
                .int32(CudaRouting.places(slots, experts)).pointer(routing.tiles()).pointer(routing.firstTiles())
                .launch(stream, Grid.of(1), GROUP_THREADS, 2 * Integer.BYTES * experts);
    }

    void expertMatmul(CudaWeight experts, CudaActivations in, boolean inputPerExpert, CudaRouting routing, CudaActivations out, int rows) {
        int outputs = out.width();
        int slots = rows * routing.expertsPerRow();
        int slotsPerInputRow = inputPerExpert ? 1 : routing.expertsPerRow();
        if (experts.storedType() == GgmlType.F32) {
            kernels.kernel("expert_matmul_f32_exact").pointer(unpacked.rows(experts)).int32(outputs).int32(experts.columns())
                    .pointer(in.start()).int64(in.stride()).int32(slotsPerInputRow).pointer(routing.experts()).pointer(out.start())
                    .int64(out.stride()).launch(stream, Grid.of(Math.ceilDiv(outputs, EXACT_OUTPUTS), slots), THREADS, 0);
            return;
        }
        int expertCount = Math.toIntExact(experts.rows() / outputs);
        if (rows == 1) {
            groupSlots(routing, slots, expertCount);
        }
        HalfPanel sorted = panels.sortedInput(in, routing, slotsPerInputRow, slots, expertCount);
        panels.multiplyExperts(experts, sorted, routing, slots, out);
    }

    void combineExperts(CudaActivations in, CudaRouting routing, CudaActivations out, int rows) {
        kernels.kernel("combine_experts").pointer(in.start()).int64(in.stride()).pointer(routing.weights()).int32(routing.expertsPerRow())
                .pointer(out.start()).int64(out.stride()).int32(out.width())
                .launch(stream, Grid.of(Math.ceilDiv(out.width(), THREADS), rows), THREADS, 0);
    }

    @Override
    public void close() {
        vector.close();
        unpacked.close();
        panels.close();
    }
}
