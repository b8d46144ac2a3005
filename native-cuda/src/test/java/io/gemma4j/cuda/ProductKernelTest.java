package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ProductKernelTest {
    private static final int MULTIPROCESSORS = 132;
    private static final int MAX_SHARED_BYTES = 227 << 10;

    private static ProductKernel choose(int rows, int outputs) {
        return ProductKernel.choose(ProductKernel.of(true), Math.ceilDiv(rows, ProductKernel.ROWS), outputs, MULTIPROCESSORS);
    }

    @Test
    void tilesAreAsWideAsLeavesTheFewestMultiprocessorsIdle() {
        assertEquals(256, choose(2048, 8192).columns(), "512 tiles in 4 rounds");
        assertEquals(224, choose(2048, 5376).columns(), "384 tiles in 3 rounds, 256 would take as many");
        assertEquals(192, choose(512, 5376).columns(), "112 tiles in one round");
        assertEquals(128, choose(100, 1000).columns(), "one tile each, the smallest");
    }

    @Test
    void blocksCoverEveryTileAndFitTheDevice() {
        for (boolean warpgroups : new boolean[] {false, true}) {
            for (ProductKernel kernel : ProductKernel.of(warpgroups)) {
                assertTrue(kernel.sharedBytes() <= MAX_SHARED_BYTES, kernel.toString());
                assertEquals(3, kernel.tiles(3, 1));
                assertEquals(6, kernel.tiles(3, kernel.columns() + 1));
                assertEquals(warpgroups ? MULTIPROCESSORS : 3000, kernel.blocks(3000, kernel.columns(), MULTIPROCESSORS));
            }
        }
    }
}
