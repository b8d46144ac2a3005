package io.gemma4j.cuda;

import java.util.List;

/**
 * A kernel for products of panels: how it is named and launched. A block computes tiles of {@value #ROWS} rows.
 *
 * @param name without what says where results go
 * @param columns outputs of a tile
 * @param threads of a block
 * @param sharedBytes of a block
 * @param resident whether there is one block for each multiprocessor, which takes one tile after the other
 */
record ProductKernel(String name, int columns, int threads, int sharedBytes, boolean resident) {
    /** Rows of a tile. */
    static final int ROWS = 128;
    private static final int STAGE_ROW_BYTES = 128;
    private static final int RING_BYTES = 220 << 10;
    private static final int RING_ALIGNMENT = 1024;
    // What a tile costs beside its columns, in columns.
    private static final int TILE_COST = 40;
    private static final List<ProductKernel> WARPGROUPS = List.of(warpgroup(256), warpgroup(224), warpgroup(192), warpgroup(128));
    private static final List<ProductKernel> WARPS = List.of(new ProductKernel("mma_n128", 128, 256, 3 * 2 * 128 * STAGE_ROW_BYTES, false));

    private static ProductKernel warpgroup(int columns) {
        int stageBytes = (ROWS + columns) * STAGE_ROW_BYTES;
        return new ProductKernel("wgmma_n" + columns, columns, 384, RING_BYTES / stageBytes * stageBytes + RING_ALIGNMENT, true);
    }

    /** The kernels for a device; {@code warpgroups}: it has the matrix instructions of compute capability 9.0, and the kernels were compiled for them. */
    static List<ProductKernel> of(boolean warpgroups) {
        return warpgroups ? WARPGROUPS : WARPS;
    }

    /** The one that is done first, of those in {@code kernels}. */
    static ProductKernel choose(List<ProductKernel> kernels, int rowTiles, int outputs, int multiprocessors) {
        ProductKernel best = null;
        long bestCost = Long.MAX_VALUE;
        for (ProductKernel kernel : kernels) {
            long rounds = Math.ceilDiv(kernel.tiles(rowTiles, outputs), (long) multiprocessors);
            long cost = rounds * (kernel.columns + TILE_COST);
            if (cost < bestCost) {
                best = kernel;
                bestCost = cost;
            }
        }
        return best;
    }

    /** Tiles of a product. */
    long tiles(int rowTiles, int outputs) {
        return (long) rowTiles * Math.ceilDiv(outputs, columns);
    }

    /** Blocks to launch. */
    int blocks(int rowTiles, int outputs, int multiprocessors) {
        long tiles = tiles(rowTiles, outputs);
        return Math.toIntExact(resident ? Math.min(tiles, multiprocessors) : tiles);
    }
}
