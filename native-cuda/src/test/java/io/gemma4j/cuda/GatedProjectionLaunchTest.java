package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.cuda.MatvecLaunch.Footprint;
import io.gemma4j.cuda.MatvecLaunch.Unit;
import io.gemma4j.gguf.GgmlType;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GatedProjectionLaunchTest {
    private static final GgmlType[] TYPES = {GgmlType.Q4_K, GgmlType.Q6_K, GgmlType.Q8_0, GgmlType.Q5_0, GgmlType.MXFP4, GgmlType.BF16, GgmlType.F32};
    private static final int CLUSTER = GatedProjectionLaunch.CLUSTER_BLOCKS;
    private static final CudaDevice AMPERE = new CudaDevice(0, "8.0", 8, 0, 108, 163 << 10, 0);
    private static final CudaDevice HOPPER = new CudaDevice(0, "9.0", 9, 0, 132, 227 << 10, 0);
    private static final CudaDevice SMALL = new CudaDevice(0, "12.0", 12, 0, CLUSTER - 1, 99 << 10, 0);

    private static TileMatrix matrix(GgmlType type, int rows, int columns) {
        return new TileMatrix(new TileLayout(type, columns), DevicePointer.NULL, rows);
    }

    private static Optional<GatedProjectionLaunch> launch(GgmlType gate, GgmlType projection, int hidden, int width, CudaDevice device) {
        return GatedProjectionLaunch.of(matrix(gate, width, hidden), matrix(projection, hidden, width), device);
    }

    @Test
    void shareOfEveryBlockFits() {
        Random random = new Random(23);
        int possible = 0;
        for (int i = 0; i < 2000; i++) {
            GgmlType type = TYPES[random.nextInt(TYPES.length)];
            int unit = type.blockElements() == 256 ? 256 : 32;
            int hidden = unit * (1 + random.nextInt(4096 / unit));
            int width = unit * (1 + random.nextInt(512 / unit));
            Optional<GatedProjectionLaunch> found = launch(type, type, hidden, width, HOPPER);
            if (found.isEmpty()) {
                continue;
            }
            possible++;
            GatedProjectionLaunch launch = found.get();
            TileLayout gate = new TileLayout(type, hidden);
            TileLayout projection = new TileLayout(type, width);
            assertEquals(0, launch.grid() % CLUSTER);
            assertTrue(launch.grid() <= HOPPER.multiprocessors() && launch.grid() > HOPPER.multiprocessors() - CLUSTER);
            for (int block = 0; block < launch.grid(); block++) {
                // As the kernel deals them out.
                int gateRows = 16 * (width / 16 * (block % CLUSTER + 1) / CLUSTER - width / 16 * (block % CLUSTER) / CLUSTER);
                int rows = 8 * (hidden / 8 * (block + 1) / launch.grid() - hidden / 8 * block / launch.grid());
                int inputs = type.blockElements() == 1 ? 4 * (roundUp(hidden, gate.columnsPerTile()) + roundUp(width, projection.columnsPerTile()))
                        : 2 * (roundUp(hidden, 256) + roundUp(width, 256));
                long needed = inputs + gate.bytes(gateRows) + projection.bytes(rows) + 4L * (Math.max(128, gateRows) + Math.max(128, rows) + hidden);
                assertTrue(needed <= launch.sharedBytes(), launch + " of " + type + " " + hidden + ", " + width + " needs " + needed);
                assertTrue(gateRows <= 512 / CLUSTER, launch + " of " + width + " rows");
            }
        }
        assertTrue(possible > 500, possible + " shapes");
    }

    private static int roundUp(int value, int unit) {
        return Math.ceilDiv(value, unit) * unit;
    }

    @Test
    void aMultiprocessorHasRoomForItBesideAMatvec() {
        int staticBytes = 2 << 10;
        int reservedBytes = 1 << 10;
        for (int hidden : new int[] {1536, 2560}) {
            for (GgmlType type : new GgmlType[] {GgmlType.Q4_K, GgmlType.Q4_0, GgmlType.Q5_K}) {
                int bytes = launch(type, type, hidden, 256, HOPPER).orElseThrow().sharedBytes();
                int matvecBytes = MatvecLaunch.of(matrix(type, hidden, 4 * hidden), Unit.TILE, true, Footprint.WIDE, HOPPER).sharedBytes();
                assertTrue(bytes + matvecBytes + 2 * (staticBytes + reservedBytes) <= 228 << 10, bytes + " bytes, " + type + ", hidden " + hidden);
            }
        }
        assertTrue(launch(GgmlType.Q8_0, GgmlType.Q8_0, 1536, 256, HOPPER).isPresent());
        assertTrue(launch(GgmlType.Q6_K, GgmlType.Q6_K, 1536, 256, HOPPER).isPresent());
    }

    @Test
    void aDeviceWithLittleSharedMemoryHasRoomForIt() {
        CudaDevice device = new CudaDevice(0, "12.0", 12, 0, 170, 99 << 10, 0);
        int fewer = 0;
        for (GgmlType type : TYPES) {
            for (int hidden = 256; hidden <= 4096; hidden += 256) {
                Optional<GatedProjectionLaunch> found = launch(type, type, hidden, 256, device);
                assertTrue(found.isEmpty() || found.get().sharedBytes() <= device.maxSharedBytes() - (2 << 10), found + " of " + type + " " + hidden);
                fewer += found.isEmpty() && launch(type, type, hidden, 256, HOPPER).isPresent() ? 1 : 0;
            }
        }
        assertTrue(fewer > 0, "none is too large for it alone");
    }

    @Test
    void otherShapesTypesAndDevicesTakeTwoLaunches() {
        assertTrue(launch(GgmlType.Q4_K, GgmlType.Q4_K, 1536, 256, AMPERE).isEmpty());
        assertTrue(launch(GgmlType.Q4_K, GgmlType.Q4_K, 1536, 256, SMALL).isEmpty());
        assertTrue(launch(GgmlType.Q4_K, GgmlType.Q8_0, 1536, 256, HOPPER).isEmpty());
        assertTrue(launch(GgmlType.BF16, GgmlType.BF16, 1536, 256, HOPPER).isEmpty(), "too large");
        assertTrue(launch(GgmlType.Q4_0, GgmlType.Q4_0, 4096, 64, HOPPER).isPresent());
        assertTrue(launch(GgmlType.Q4_0, GgmlType.Q4_0, 4128, 64, HOPPER).isEmpty(), "too wide a residual");
        assertTrue(launch(GgmlType.Q4_K, GgmlType.Q4_K, 256, 768, HOPPER).isEmpty(), "too many outputs of the gate");
        assertTrue(GatedProjectionLaunch.of(matrix(GgmlType.F32, 40, 64), matrix(GgmlType.F32, 64, 40), HOPPER).isEmpty(), "half a unit");
    }
}
