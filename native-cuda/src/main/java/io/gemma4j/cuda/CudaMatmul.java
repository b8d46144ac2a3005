package io.gemma4j.cuda;

import io.gemma4j.cuda.CudaKernel.Grid;
import io.gemma4j.gguf.GgmlType;

/** Launches products of activations and weights. Used by one thread at a time. Closing frees its scratch memory. */
final class CudaMatmul implements AutoCloseable {
    // Columns that one step of a product on tensor cores takes; its input is padded to that.
    private static final int CHUNK = 64;
    private static final int INPUT_THREADS = 256;
    private static final int THREADS = 256;

    private final KernelLibrary kernels;
    private final CudaStream stream;
    private final ScratchMemory halves;
    private final ScratchMemory scales;

    /** A kernel for the product of many rows: how many outputs and rows one of its blocks computes. */
    private enum Shape {
        NARROW_16("_narrow16", 16, 16),
        NARROW_64("_narrow64", 32, 64),
        WIDE("", 128, 128);

        final String suffix;
        final int outputs;
        final int rows;

        Shape(String suffix, int outputs, int rows) {
            this.suffix = suffix;
            this.outputs = outputs;
            this.rows = rows;
        }

        static Shape of(int rows) {
            return rows <= NARROW_16.rows ? NARROW_16 : rows <= NARROW_64.rows ? NARROW_64 : WIDE;
        }

        Grid grid(int outputCount, int rowCount) {
            int outputBlocks = Math.ceilDiv(outputCount, outputs);
            int rowBlocks = Math.ceilDiv(rowCount, rows);
            return this == WIDE ? Grid.of(rowBlocks, outputBlocks) : Grid.of(outputBlocks, rowBlocks);
        }

        int threads() {
            return this == WIDE ? THREADS / 2 : THREADS;
        }
    }

    CudaMatmul(KernelLibrary kernels, CudaStream stream) {
        this.kernels = kernels;
        this.stream = stream;
        halves = new ScratchMemory(stream.context(), "the input of products");
        scales = new ScratchMemory(stream.context(), "the scales of products");
    }

    void matmul(CudaWeight weight, CudaActivations in, CudaActivations out, int rows) {
        int outputs = Math.toIntExact(weight.rows());
        if (rows == 1 || weight.storedAs(GgmlType.F32)) {
            kernels.kernel("matmul_" + weight.kernelType() + "_exact").pointer(weight.bytes()).int32(outputs).int32(weight.columns())
                    .pointer(in.start()).int64(in.stride()).int32(rows).pointer(out.start()).int64(out.stride())
                    .launch(stream, Grid.of(Math.ceilDiv(outputs, 8), Math.ceilDiv(rows, 4)), THREADS, 0);
            return;
        }
        prepareInput(in, weight.columns(), rows);
        Shape shape = Shape.of(rows);
        kernels.kernel("matmul_" + weight.kernelType() + shape.suffix).pointer(weight.bytes()).int32(outputs).int32(weight.columns())
                .pointer(halves.require(1)).pointer(scales.require(1)).int32(rows).pointer(out.start()).int64(out.stride())
                .launch(stream, shape.grid(outputs, rows), shape.threads(), 0);
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
                .launch(stream, Grid.of(Math.ceilDiv(rows, 4)), 128, 0);
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
        if (rows == 1 || experts.storedAs(GgmlType.F32)) {
            kernels.kernel("expert_matmul_" + experts.kernelType() + "_exact").pointer(experts.bytes()).int32(outputs).int32(experts.columns())
                    .pointer(in.start()).int64(in.stride()).int32(slotsPerInputRow).pointer(routing.experts()).pointer(out.start())
                    .int64(out.stride()).launch(stream, Grid.of(Math.ceilDiv(outputs, 8), slots), THREADS, 0);
            return;
        }
        prepareInput(in, experts.columns(), inputPerExpert ? slots : rows);
        int expertCount = Math.toIntExact(experts.rows() / outputs);
        kernels.kernel("expert_matmul_" + experts.kernelType()).pointer(experts.bytes()).int32(outputs).int32(experts.columns())
                .pointer(halves.require(1)).pointer(scales.require(1)).int32(slotsPerInputRow).pointer(routing.sortedSlots())
                .pointer(routing.tiles()).pointer(routing.tileCount()).pointer(out.start()).int64(out.stride())
                .launch(stream, Grid.of(Math.ceilDiv(outputs, 32), slots / 64 + Math.min(expertCount, slots)), THREADS, 0);
    }

    void combineExperts(CudaActivations in, CudaRouting routing, CudaActivations out, int rows) {
        kernels.kernel("combine_experts").pointer(in.start()).int64(in.stride()).pointer(routing.weights()).int32(routing.expertsPerRow())
                .pointer(out.start()).int64(out.stride()).int32(out.width())
                .launch(stream, Grid.of(Math.ceilDiv(out.width(), THREADS), rows), THREADS, 0);
    }

    @Override
    public void close() {
        halves.close();
        scales.close();
    }
}
