package io.gemma4j.cuda;

import io.gemma4j.cuda.CudaKernel.Grid;
import io.gemma4j.cuda.WeightPanels.Panels;
import java.util.List;

/**
 * Products of many rows on tensor cores: inputs become panels of 16-bit floats, weights are decoded to such panels, and a product of two panels is the same
 * whatever type the weights had. With a few rows, {@link FewRowProducts} decode weights on the way. Panels are valid until the next one of the same kind.
 * Used by one thread at a time. Closing frees their memory.
 */
final class PanelProducts implements AutoCloseable {
    private static final int INPUT_THREADS = 256;
    private static final float NO_NORM = -1;

    private final KernelLibrary kernels;
    private final CudaStream stream;
    private final WeightPanels weightPanels;
    private final List<ProductKernel> products;
    private final int multiprocessors;
    private final ScratchMemory inputs;
    private final ScratchMemory gated;
    private final FewRowProducts fewRows;

    /** {@code warpgroups}: see {@link ProductKernel#of}. */
    PanelProducts(KernelLibrary kernels, CudaStream stream, WeightPanels weightPanels, boolean warpgroups, Runnable onMove) {
        this.kernels = kernels;
        this.stream = stream;
        this.weightPanels = weightPanels;
        products = ProductKernel.of(warpgroups);
        multiprocessors = stream.context().device().multiprocessors();
        inputs = new ScratchMemory(stream.context(), "the input of products", onMove);
        gated = new ScratchMemory(stream.context(), "gated activations of many rows", onMove);
        fewRows = new FewRowProducts(kernels, stream, onMove);
    }

    /** Makes room for decoded weights, so that later products do not allocate. */
    void reserveWeights(long rows, int columns) {
        weightPanels.reserve(rows, columns);
    }

    private static HalfPanel panel(ScratchMemory memory, int rows, int columns, long moreBytes) {
        long bytes = HalfPanel.bytes(rows, columns);
        DevicePointer start = memory.require(bytes + (long) rows * Float.BYTES + moreBytes);
        return new HalfPanel(start, rows, columns, start.plus(bytes));
    }

    /** An input that an earlier kernel writes, without scales. */
    HalfPanel emptyInput(int rows, int columns) {
        return new HalfPanel(inputs.require(HalfPanel.bytes(rows, columns)), rows, columns, DevicePointer.NULL);
    }

    /** The first {@code columns} of each row. */
    HalfPanel input(CudaActivations in, int columns, int rows) {
        return input(in, columns, DevicePointer.NULL, NO_NORM, DevicePointer.NULL, 1, rows);
    }

    /** The norm of each row; {@code norm} may be a null address. */
    HalfPanel normedInput(CudaActivations in, DevicePointer norm, float epsilon, int rows) {
        return input(in, in.width(), norm, epsilon, DevicePointer.NULL, 1, rows);
    }

    /** A row for each place of the slots sorted by expert, which {@code slotsPerInputRow} consecutive slots have in common. */
    HalfPanel sortedInput(CudaActivations in, CudaRouting routing, int slotsPerInputRow, int slots, int experts) {
        return input(in, in.width(), DevicePointer.NULL, NO_NORM, routing.sortedSlots(), slotsPerInputRow, CudaRouting.places(slots, experts));
    }

    /** The same of the norm of each row. */
    HalfPanel sortedNormedInput(CudaActivations in, DevicePointer norm, float epsilon, CudaRouting routing, int slots, int experts) {
        return input(in, in.width(), norm, epsilon, routing.sortedSlots(), routing.expertsPerRow(), CudaRouting.places(slots, experts));
    }

    private HalfPanel input(CudaActivations in, int columns, DevicePointer norm, float epsilon, DevicePointer slots, int slotsPerInputRow, int rows) {
        HalfPanel panel = panel(inputs, rows, columns, 0);
        kernels.kernel("matmul_input").pointer(in.start()).int64(in.stride()).int32(columns).pointer(norm).float32(epsilon).pointer(slots)
                .int32(slotsPerInputRow).pointer(panel.start()).int32(panel.groups()).pointer(panel.scales())
                .launch(stream, Grid.of(rows), INPUT_THREADS, 0);
        return panel;
    }

    /** {@code out = in weight^T}. */
    void multiply(CudaWeight weight, HalfPanel in, CudaActivations out) {
        if (weight.pairedMatrices() > 0) {
            throw new IllegalStateException("tensor '" + weight.name() + "': gate and up alternate, which only a product with GEGLU takes");
        }
        if (FewRowProducts.take(weight, in.rows())) {
            fewRows.multiply(weight, in, out);
            return;
        }
        int rows = Math.toIntExact(weight.rows());
        int together = WeightPanels.rowsTogether(rows, weight.columns());
        for (int first = 0; first < rows; first += together) {
            int count = Math.min(together, rows - first);
            Panels weights = weightPanels.decode(weight, first, count);
            DevicePointer to = out.start().plus((long) first * Float.BYTES);
            launch("", in, weights, kernel -> kernel.pointer(to).int64(out.stride()));
        }
    }

    /** GEGLU of the products with gate and up, as input of the next product. */
    HalfPanel geglu(CudaWeight gateUp, HalfPanel in) {
        if (FewRowProducts.take(gateUp, in.rows())) {
            CudaActivations floats = fewRows.geglu(gateUp, in);
            return input(floats, floats.width(), floats.rows());
        }
        HalfPanel out = gated(in.rows(), gateUp.rows());
        Panels weights = weightPanels.decodePaired(gateUp);
        for (int pass = 0; pass < 2; pass++) {
            int again = pass;
            launch("_geglu", in, weights, kernel -> geglu(kernel, out, again));
        }
        return out;
    }

    private HalfPanel gated(int rows, long gateUpRows) {
        HalfPanel out = panel(gated, rows, Math.toIntExact(gateUpRows / 2), (long) rows * Integer.BYTES);
        stream.fill(largest(out), (byte) 0, (long) rows * Integer.BYTES);
        if (out.columns() % HalfPanel.COLUMNS != 0) {
            // Products read what fills up the last columns.
            long chunkBytes = HalfPanel.matrixBytes(rows, HalfPanel.COLUMNS);
            stream.fill(out.start().plus((HalfPanel.chunks(out.columns()) - 1) * chunkBytes), (byte) 0, chunkBytes);
        }
        return out;
    }

    /** The largest magnitude of each row: after the scales. */
    private static DevicePointer largest(HalfPanel gated) {
        return gated.scales().plus((long) gated.rows() * Float.BYTES);
    }

    private static CudaKernel geglu(CudaKernel kernel, HalfPanel out, int again) {
        return kernel.pointer(out.start()).int32(out.groups()).pointer(largest(out)).pointer(out.scales()).int32(again);
    }

    /** Gives a kernel the arguments that say where results go. */
    @FunctionalInterface
    private interface Output {
        CudaKernel arguments(CudaKernel kernel);
    }

    private void launch(String suffix, HalfPanel in, Panels weights, Output output) {
        int rowTiles = Math.ceilDiv(in.rows(), ProductKernel.ROWS);
        ProductKernel product = ProductKernel.choose(products, rowTiles, weights.rows(), multiprocessors);
        CudaKernel kernel = operands(kernels.kernel("matmul_" + product.name() + suffix), in, weights).int32(in.rows());
        output.arguments(kernel).launch(stream, Grid.of(product.blocks(rowTiles, weights.rows(), multiprocessors)), product.threads(),
                product.sharedBytes());
    }

    private static CudaKernel operands(CudaKernel kernel, HalfPanel in, Panels weights) {
        return kernel.pointer(in.start()).int32(in.groups()).pointer(in.scales()).pointer(weights.start()).int32(weights.groups())
                .int64(weights.matrixBytes()).int32(HalfPanel.chunks(weights.columns())).int32(weights.rows());
    }

    /** {@code out[slot] = expert of slot * in}, {@code in} having rows for sorted slots. */
    void multiplyExperts(CudaWeight experts, HalfPanel in, CudaRouting routing, int slots, CudaActivations out) {
        eachExperts(experts, out.width(), "", in, routing, slots,
                kernel -> kernel.pointer(routing.sortedSlots()).pointer(out.start()).int64(out.stride()));
    }

    /** GEGLU of the products with each expert's gate and up, in rows for sorted slots. */
    HalfPanel gegluExperts(CudaWeight gateUp, int experts, HalfPanel in, CudaRouting routing, int slots) {
        int outputs = Math.toIntExact(gateUp.rows() / experts);
        HalfPanel out = gated(in.rows(), outputs);
        eachExperts(gateUp, outputs, "_geglu", in, routing, slots, kernel -> geglu(kernel, out, 0), kernel -> geglu(kernel, out, 1));
        return out;
    }

    private void eachExperts(CudaWeight weight, int outputs, String suffix, HalfPanel in, CudaRouting routing, int slots, Output... passes) {
        int experts = Math.toIntExact(weight.rows() / outputs);
        int together = Math.toIntExact(Math.clamp(WeightPanels.TOGETHER_BYTES / HalfPanel.matrixBytes(outputs, weight.columns()), 1, experts));
        for (int first = 0; first < experts; first += together) {
            int count = Math.min(together, experts - first);
            int end = first + count;
            Panels weights = weightPanels.decodeExperts(weight, outputs, first, count, routing.firstTiles());
            // About as many: only the device knows how many tiles there are.
            int rowTiles = Math.min(slots, slots / ProductKernel.ROWS * count / experts + count);
            ProductKernel product = ProductKernel.choose(products, rowTiles, outputs, multiprocessors);
            for (Output pass : passes) {
                CudaKernel kernel = operands(kernels.kernel("expert_matmul_" + product.name() + suffix), in, weights).pointer(routing.tiles())
                        .pointer(routing.firstTiles()).int32(end - count).int32(end);
                pass.arguments(kernel).launch(stream, Grid.of(product.blocks(rowTiles, outputs, multiprocessors)), product.threads(),
                        product.sharedBytes());
            }
        }
    }

    @Override
    public void close() {
        weightPanels.close();
        inputs.close();
        gated.close();
        fewRows.close();
    }
}
