package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.cuda.MatvecLaunch.Footprint;
import io.gemma4j.cuda.MatvecLaunch.Unit;
import io.gemma4j.gguf.GgmlType;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MatvecLaunchTest {
    private static final List<GgmlType> TYPES = List.of(GgmlType.Q4_K, GgmlType.Q6_K, GgmlType.Q8_0, GgmlType.Q5_0, GgmlType.BF16, GgmlType.F32);
    private static final CudaDevice AMPERE = new CudaDevice(0, "8.0", 8, 0, 108, 163 << 10, 0);
    private static final CudaDevice HOPPER = new CudaDevice(0, "9.0", 9, 0, 132, 227 << 10, 0);
    private static final CudaDevice SMALL_BLACKWELL = new CudaDevice(0, "12.0", 12, 0, 170, 99 << 10, 0);

    private final Random random = new Random(17);

    private TileMatrix matrix(int maxColumns) {
        int columns = 256 * (1 + random.nextInt(maxColumns / 256));
        return new TileMatrix(new TileLayout(TYPES.get(random.nextInt(TYPES.size())), columns), DevicePointer.NULL, 32 * (1 + random.nextInt(2000)));
    }

    @Test
    void blocksTakeEveryTileOnce() {
        for (int i = 0; i < 2000; i++) {
            TileMatrix matrix = matrix(8192);
            Unit unit = Unit.values()[random.nextInt(Unit.values().length)];
            MatvecLaunch launch = MatvecLaunch.of(matrix, unit, random.nextBoolean(), footprint(), HOPPER);
            long tiles = (long) matrix.rows() / 8 * matrix.layout().tilesPerRow();
            long units = 0;
            for (int block = 0; block < launch.grid(); block++) {
                int own = block < launch.workers() ? launch.unitsPerBlock() + (block < launch.extraUnits() ? 1 : 0) : 0;
                assertEquals(block < launch.workers(), own > 0, "only workers have work");
                units += own;
            }
            assertEquals(Math.ceilDiv(tiles, launch.tilesPerUnit()), units, launch + " of " + matrix);
            assertEquals(HOPPER.multiprocessors(), launch.grid());
        }
    }

    private Footprint footprint() {
        return Footprint.values()[random.nextInt(2)];
    }

    @Test
    void twoWideBlocksDoNotFitWhereAWideAndANarrowOneDo() {
        // Of what a multiprocessor has, each block takes 1 KB for itself, and 2 KB that the kernel declares.
        int room = HOPPER.maxSharedBytes() + (1 << 10);
        int own = 3 << 10;
        int narrow = 0;
        for (int i = 0; i < 500; i++) {
            boolean normalizes = random.nextBoolean();
            TileMatrix matrix = matrix(normalizes ? DecodeBlocks.MAX_HIDDEN : 8192);
            MatvecLaunch launch = MatvecLaunch.of(matrix, Unit.ROW_TILE, normalizes, footprint(), HOPPER);
            assertTrue(launch.sharedBytes() + own <= room, launch + " of " + matrix);
            if (launch.footprint() == Footprint.NARROW) {
                narrow++;
                MatvecLaunch wide = MatvecLaunch.of(matrix, Unit.ROW_TILE, normalizes, Footprint.WIDE, HOPPER);
                assertTrue(launch.sharedBytes() + wide.sharedBytes() + 2 * own <= room, launch + " of " + matrix);
            } else {
                assertTrue(2 * launch.sharedBytes() > room, launch + " of " + matrix);
            }
        }
        assertTrue(narrow > 50, "narrow ones: " + narrow);
    }

    @Test
    void whatAKernelLaysOutInSharedMemoryHasRoom() {
        for (CudaDevice device : List.of(AMPERE, HOPPER, SMALL_BLACKWELL)) {
            for (int i = 0; i < 1000; i++) {
                boolean normalizes = random.nextBoolean();
                TileMatrix matrix = matrix(4096);
                TileLayout layout = matrix.layout();
                Unit unit = Unit.values()[random.nextInt(Unit.values().length)];
                MatvecLaunch launch = MatvecLaunch.of(matrix, unit, normalizes, footprint(), device);
                long rings = 16L * launch.ringStages() * layout.tileBytes();
                long input = layout.type().blockElements() == 1 ? 4L * layout.columns() : 2L * layout.columns();
                long norm = normalizes ? 4L * layout.columns() : 0;
                // The tiles of a block may begin anywhere in a row tile.
                long tiles = (long) (launch.unitsPerBlock() + (launch.extraUnits() > 0 ? 1 : 0)) * launch.tilesPerUnit();
                int skipped = launch.tilesPerUnit() == 1 ? layout.tilesPerRow() - 1 : 0;
                long sums = 32 * Math.ceilDiv(skipped + tiles, layout.tilesPerRow());
                assertTrue(rings + input + norm + sums <= launch.sharedBytes(), launch + " of " + matrix);
            }
        }
    }

    @Test
    void ringsHoldHalfOfWhatAWarpReadsAndNotTooMuch() {
        int deep = 0;
        for (int i = 0; i < 500; i++) {
            TileMatrix matrix = matrix(8192);
            MatvecLaunch launch = MatvecLaunch.of(matrix, Unit.ROW_TILE, random.nextBoolean(), footprint(), HOPPER);
            int mostTiles = (launch.unitsPerBlock() + Math.min(launch.extraUnits(), 1)) * launch.tilesPerUnit();
            double tilesPerWarp = Math.ceil(mostTiles / 16.0);
            assertTrue(launch.ringStages() >= 2, launch + " of " + matrix);
            if (launch.ringStages() > 2) {
                assertTrue(launch.ringStages() * 16 * matrix.layout().tileBytes() <= 80 << 10, launch + " of " + matrix);
                assertTrue(launch.ringStages() <= Math.ceil(tilesPerWarp / 2), launch + " of " + matrix);
                deep++;
            }
        }
        assertTrue(deep > 50, "deep ones: " + deep);
    }

    @Test
    void theMemoryOfASmallerDeviceIsEnoughForWhatFits() {
        for (CudaDevice device : List.of(AMPERE, SMALL_BLACKWELL)) {
            for (int i = 0; i < 2000; i++) {
                TileMatrix matrix = matrix(24576);
                if (!MatvecLaunch.fits(matrix, device)) {
                    assertTrue(device == SMALL_BLACKWELL && matrix.layout().readsFloats() && matrix.layout().columns() > 15360, matrix + " on " + device);
                    continue;
                }
                boolean normalizes = matrix.layout().columns() <= DecodeBlocks.MAX_HIDDEN && random.nextBoolean();
                MatvecLaunch launch = MatvecLaunch.of(matrix, Unit.values()[random.nextInt(Unit.values().length)], normalizes, footprint(), device);
                assertEquals(device.isHopperOrLater(), launch.ringStages() > 0);
                assertTrue(launch.sharedBytes() <= device.maxSharedBytes() - (2 << 10), launch + " of " + matrix);
            }
        }
    }

    @Test
    void matricesOfTheModelsFitExceptWideOnesOfFloatsOnSmallDevices() {
        for (GgmlType type : TYPES) {
            for (int columns : new int[] {1536, 2560, 2816, 3840, 5376, 12288, 15360, 21504}) {
                TileMatrix matrix = new TileMatrix(new TileLayout(type, columns), DevicePointer.NULL, 262144);
                assertTrue(MatvecLaunch.fits(matrix, AMPERE), () -> "on 8.0: " + matrix);
                assertTrue(MatvecLaunch.fits(matrix, HOPPER), () -> "on 9.0: " + matrix);
                boolean wideFloats = type.blockElements() == 1 && columns > 15360;
                assertEquals(!wideFloats, MatvecLaunch.fits(matrix, SMALL_BLACKWELL), () -> "on 12.0: " + matrix);
            }
        }
    }
}
