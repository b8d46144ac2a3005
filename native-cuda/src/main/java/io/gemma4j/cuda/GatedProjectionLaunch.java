package io.gemma4j.cuda;

import io.gemma4j.cuda.MatvecLaunch.Footprint;
import java.util.Optional;

/**
 * A launch that projects what a gate makes of the residual, with blocks of a {@linkplain Footprint#NARROW narrow} footprint. Immutable.
 *
 * @param grid blocks
 * @param sharedBytes of a block
 */
record GatedProjectionLaunch(int grid, int sharedBytes) {
    /** Blocks of a cluster, as the kernels are compiled. */
    static final int CLUSTER_BLOCKS = 8;
    /** Widest residual that fits into the registers beside what the kernel has to keep. */
    private static final int MAX_HIDDEN = 4096;
    private static final int WARPS = MatvecLaunch.THREADS / 32;
    // Two row tiles: no two blocks have outputs with a common scale.
    private static final int GATE_UNIT_ROWS = 2 * TileLayout.ROWS;
    // A block has so many threads for each block that it hands its outputs to.
    private static final int MAX_GATE_ROWS_PER_BLOCK = MatvecLaunch.THREADS / CLUSTER_BLOCKS;

    /**
     * For two matrices.
     *
     * @return empty if two launches, one after the other, have to do it
     */
    static Optional<GatedProjectionLaunch> of(TileMatrix gate, TileMatrix projection, CudaDevice device) {
        int grid = device.multiprocessors() / CLUSTER_BLOCKS * CLUSTER_BLOCKS;
        if (!device.isHopperOrLater() || grid == 0 || gate.layout().type() != projection.layout().type() || gate.rows() % GATE_UNIT_ROWS != 0
                || gate.layout().columns() > MAX_HIDDEN) {
            return Optional.empty();
        }
        // Each cluster has the whole gate, all blocks together have the projection.
        int gateRows = Math.ceilDiv(gate.rows() / GATE_UNIT_ROWS, CLUSTER_BLOCKS) * GATE_UNIT_ROWS;
        int projectionRows = Math.ceilDiv(TileLayout.rowTiles(projection.rows()), grid) * TileLayout.ROWS;
        int sums = Math.max(WARPS * TileLayout.ROWS, gateRows) + Math.max(WARPS * TileLayout.ROWS, projectionRows);
        long sharedBytes = MatvecLaunch.inputBytes(gate.layout()) + MatvecLaunch.inputBytes(projection.layout()) + gate.layout().bytes(gateRows)
                + projection.layout().bytes(projectionRows) + (long) sums * Float.BYTES + MatvecLaunch.normBytes(gate.layout());
        if (gateRows > MAX_GATE_ROWS_PER_BLOCK || sharedBytes > Footprint.NARROW.sharedBytes(device)) {
            return Optional.empty();
        }
        return Optional.of(new GatedProjectionLaunch(grid, (int) sharedBytes));
    }
}
