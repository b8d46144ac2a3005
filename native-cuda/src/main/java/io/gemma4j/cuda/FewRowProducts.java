package io.gemma4j.cuda;

import io.gemma4j.cuda.CudaKernel.Grid;

/**
 * Products of a few rows on tensor cores, which read each weight once, from its tiles, and decode it in registers. Used by one thread at a time. Closing frees
 * its scratch memory.
 */
final class FewRowProducts implements AutoCloseable {
    private static final int MAX_ROWS = 32;
    private static final int THREADS = 512;
    // Outputs of a block.
    private static final int OUTPUTS = 64;
    // The input of a tile: so many units of 8 columns of a row.
    private static final int UNITS = 1024;
    private static final int UNIT_BYTES = 16;
    private static final int INPUT_THREADS = 256;

    private final KernelLibrary kernels;
    private final CudaStream stream;
    private final ScratchMemory units;
    private final ScratchMemory gated;

    FewRowProducts(KernelLibrary kernels, CudaStream stream, Runnable onMove) {
        this.kernels = kernels;
        this.stream = stream;
        units = new ScratchMemory(stream.context(), "the input of products of a few rows", onMove);
        gated = new ScratchMemory(stream.context(), "gated activations of a few rows", onMove);
    }

    /** Whether there is a kernel for this weight, and the rows are few enough. */
    static boolean take(CudaWeight weight, int rows) {
        TileMatrix tiles = weight.tiles();
        return rows <= MAX_ROWS && tiles != null && !tiles.layout().readsFloats();
    }

    /** {@code out = in weight^T}. */
    void multiply(CudaWeight weight, HalfPanel in, CudaActivations out) {
        launch(weight, in, out, false);
    }

    /** GEGLU of the products with gate and up, whose rows alternate by fours; until the next one. */
    CudaActivations geglu(CudaWeight gateUp, HalfPanel in) {
        int columns = Math.toIntExact(gateUp.rows() / 2);
        DevicePointer start = gated.require((long) in.rows() * columns * Float.BYTES);
        CudaActivations out = new CudaActivations(start, columns, in.rows(), columns);
        launch(gateUp, in, out, true);
        return out;
    }

    private void launch(CudaWeight weight, HalfPanel in, CudaActivations out, boolean geglu) {
        TileMatrix tiles = weight.tiles();
        int inputUnits = tiles.layout().tilesPerRow() * UNITS;
        DevicePointer arranged = units.require((long) inputUnits * UNIT_BYTES);
        String name = "matmul_few_" + weight.kernelType();
        kernels.kernel(name + "_input").pointer(in.start()).int32(in.groups()).int32(in.rows()).int32(in.columns()).pointer(arranged)
                .launch(stream, Grid.of(inputUnits / INPUT_THREADS), INPUT_THREADS, 0);
        kernels.kernel(name).pointer(tiles.start()).int32(tiles.rows()).int32(weight.columns()).pointer(arranged).pointer(in.scales()).int32(in.rows())
                .pointer(out.start()).int64(out.stride()).int32(geglu ? 1 : 0)
                .launch(stream, Grid.of(Math.ceilDiv(tiles.rows(), OUTPUTS)), THREADS, 0);
    }

    @Override
    public void close() {
        units.close();
        gated.close();
    }
}
