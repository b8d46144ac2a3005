package io.gemma4j.cuda;

/**
 * How a mat-vec is cut among the blocks of a launch, and the shared memory they need. Immutable.
 *
 * @param tilesPerUnit tiles that are never cut
 * @param grid blocks
 * @param workers how many of them, the first ones, have work
 * @param unitsPerBlock units of every block
 * @param extraUnits as many of the first blocks have one unit more
 * @param ringStages stages of the ring through which a warp gets its weights; 0 where it loads them directly
 * @param sharedBytes dynamic shared memory of a block
 * @param footprint which that is
 */
record MatvecLaunch(int tilesPerUnit, int grid, int workers, int unitsPerBlock, int extraUnits, int ringStages, int sharedBytes, Footprint footprint) {
    /** Threads of a block. */
    static final int THREADS = 512;
    private static final int WARPS = THREADS / 32;
    private static final int MIN_STAGES = 2;
    private static final int MAX_STAGES = 8;
    // Of a block, what is on its way from memory at a time: enough to go on reading while the input is made. More is slower on some devices: beyond 110 KB on each
    // multiprocessor, an H200 reads 2.4 instead of 4.0 TB/s.
    private static final int RING_BYTES = 80 << 10;
    // Of what a block may have, the kernels take less than this for themselves.
    private static final int STATIC_BYTES = 4 << 10;
    // An 8-bit number for each column, and two floats for each group.
    private static final int QUANTIZED_TILE_BYTES = 256 + 256 / QuantizedVector.GROUP * 2 * Float.BYTES;

    /**
     * How much shared memory a block takes. On a multiprocessor of compute capability 9.0 or 10.0 a wide and a narrow one fit beside each other, two wide ones
     * do not: mat-vecs that take turns overlap, the next one's blocks starting beside those of the one before, one on each multiprocessor. Two of one
     * mat-vec on a multiprocessor, while another has none, would take twice the time.
     */
    enum Footprint {
        /** More than half. */
        WIDE(115 << 10),
        /** What a wide one leaves. */
        NARROW(107 << 10);

        private final int sharedBytes;

        Footprint(int sharedBytes) {
            this.sharedBytes = sharedBytes;
        }

        /** Dynamic shared memory of a block, at most. */
        int sharedBytes(CudaDevice device) {
            return Math.min(sharedBytes, mostSharedBytes(device));
        }
    }

    /** What a unit is: what may be cut between blocks. */
    enum Unit {
        /** Tiles: a row may be cut, and its two parts go to two planes. */
        TILE,
        /** 8 rows. */
        ROW_TILE,
        /** 16 rows. */
        TWO_ROW_TILES,
        /** 32 rows. */
        FOUR_ROW_TILES
    }

    private static int mostSharedBytes(CudaDevice device) {
        return device.maxSharedBytes() - STATIC_BYTES;
    }

    /** Whether a block of the device has room for what it needs to multiply a matrix, by a vector or a residual. */
    static boolean fits(TileMatrix matrix, CudaDevice device) {
        boolean normalizes = matrix.layout().columns() <= DecodeBlocks.MAX_HIDDEN;
        return of(matrix, Unit.FOUR_ROW_TILES, normalizes, Footprint.WIDE, device).sharedBytes <= mostSharedBytes(device);
    }

    /** What the input vector of a matrix takes in shared memory. */
    static int inputBytes(TileLayout layout) {
        return layout.tilesPerRow() * (layout.readsFloats() ? layout.columnsPerTile() * Float.BYTES : QUANTIZED_TILE_BYTES);
    }

    /** What the weights of a norm before it take there. */
    static int normBytes(TileLayout layout) {
        return layout.columns() * Float.BYTES;
    }

    /** For one matrix. */
    static MatvecLaunch of(TileMatrix matrix, Unit unit, boolean normalizes, Footprint footprint, CudaDevice device) {
        return of(matrix, unit, normalizes, 1, false, device.multiprocessors(), footprint, device);
    }

    /**
     * For several matrices.
     *
     * @param normalizes whether the input is made of a residual
     * @param slots how many
     * @param summed whether their products are added, each with an input of its own; else all have the same input
     * @param mostBlocks blocks there are for it
     * @param wanted is wide all the same where narrow is not enough
     */
    static MatvecLaunch of(TileMatrix matrix, Unit unit, boolean normalizes, int slots, boolean summed, int mostBlocks, Footprint wanted, CudaDevice device) {
        TileLayout layout = matrix.layout();
        int rowTiles = TileLayout.rowTiles(matrix.rows());
        int tilesPerRow = layout.tilesPerRow();
        int rowTileLength = summed ? slots * tilesPerRow : tilesPerRow;
        int tilesPerUnit = switch (unit) {
            case TILE -> 1;
            case ROW_TILE -> rowTileLength;
            case TWO_ROW_TILES -> 2 * rowTileLength;
            case FOUR_ROW_TILES -> 4 * rowTileLength;
        };
        int units = Math.ceilDiv(slots * rowTiles * tilesPerRow, tilesPerUnit);
        int workers = Math.min(mostBlocks, units);
        if (unit == Unit.TILE) {
            workers = Math.min(workers, rowTiles);
        }
        int unitsPerBlock = units / workers;
        int inputs = summed ? slots : 1;
        int inputBytes = inputs * inputBytes(layout) + (normalizes ? normBytes(layout) : 0);
        int sumBytes = (Math.ceilDiv((unitsPerBlock + 1) * tilesPerUnit, rowTileLength) + 1) * 32;
        int stageBytes = WARPS * layout.tileBytes();
        int neededBytes = inputBytes + sumBytes;
        boolean ring = device.isHopperOrLater();
        Footprint footprint = neededBytes + (ring ? MIN_STAGES * stageBytes : 0) <= wanted.sharedBytes ? wanted : Footprint.WIDE;
        int stages = 0;
        int sharedBytes = neededBytes;
        if (ring) {
            int tilesPerWarp = Math.ceilDiv(Math.ceilDiv(units, workers) * tilesPerUnit, WARPS);
            int room = footprint.sharedBytes(device) - neededBytes;
            int mostStages = Math.max(1, (mostSharedBytes(device) - neededBytes) / stageBytes);
            // Where a warp has little to read, half of it at first: all at once is slower.
            stages = Math.clamp(Math.min(Math.min(RING_BYTES, room) / stageBytes, Math.ceilDiv(tilesPerWarp, 2)), Math.min(MIN_STAGES, mostStages), MAX_STAGES);
            sharedBytes = neededBytes + Math.max(stages * stageBytes, room);
        }
        // A block on every multiprocessor, even if it has no work: blocks of the next kernel, launched early, then spread evenly.
        return new MatvecLaunch(tilesPerUnit, mostBlocks, workers, unitsPerBlock, units % workers, stages, sharedBytes, footprint);
    }
}
