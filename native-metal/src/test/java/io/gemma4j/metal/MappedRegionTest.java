package io.gemma4j.metal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MappedRegionTest {
    private static final long PAGE = MetalBuffer.PAGE_BYTES;

    @SuppressWarnings("restricted") // addresses that nobody reads
    private static MemorySegment piece(long address, long bytes) {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    @Test
    void piecesThatShareOrTouchPagesAreOneRegionOfWholePages() {
        List<MappedRegion> regions = MappedRegion.covering(List.of(piece(PAGE + 100, 50), piece(PAGE + 150, PAGE), piece(3 * PAGE + 32, 10)), 100 * PAGE);
        assertEquals(List.of(new MappedRegion(PAGE, 3 * PAGE)), regions);
    }

    @Test
    void pagesWithoutAnyPieceAreLeftOut() {
        List<MappedRegion> regions = MappedRegion.covering(List.of(piece(5 * PAGE, 1), piece(32, 10)), 100 * PAGE);
        assertEquals(List.of(new MappedRegion(0, PAGE), new MappedRegion(5 * PAGE, PAGE)), regions);
    }

    @Test
    void aPieceLargerThanABufferIsRefused() {
        MetalException failure = assertThrows(MetalException.class, () -> MappedRegion.covering(List.of(piece(PAGE - 1, 2)), PAGE));
        assertTrue(failure.getMessage().contains("a tensor of 2 bytes"), failure.getMessage());
    }

    @Test
    void randomPiecesAreEachInsideARegionOfWholePagesThatFitsABuffer() {
        Random random = new Random(3);
        for (int round = 0; round < 50; round++) {
            long maxBytes = PAGE * (4 + random.nextInt(20));
            List<MemorySegment> pieces = new ArrayList<>();
            long address = 32L * random.nextInt(1000);
            for (int i = 0; i < 60; i++) {
                long bytes = 32 * (1 + random.nextLong(2 * PAGE / 32));
                pieces.add(piece(address, bytes));
                address += bytes + (random.nextInt(4) == 0 ? 32 * random.nextLong(3 * PAGE / 32) : 0);
            }
            Collections.shuffle(pieces, random);
            List<MappedRegion> regions = MappedRegion.covering(pieces, maxBytes);
            assertTrue(pieces.stream().allMatch(piece -> regions.stream().anyMatch(region -> region.contains(piece))));
            for (MappedRegion region : regions) {
                assertTrue(region.bytes() <= maxBytes && region.bytes() % PAGE == 0 && region.address() % PAGE == 0, region.toString());
                for (long page = region.address(); page < region.address() + region.bytes(); page += PAGE) {
                    long start = page;
                    assertTrue(pieces.stream().anyMatch(piece -> piece.address() < start + PAGE && piece.address() + piece.byteSize() > start),
                            "a page of " + region + " without any piece");
                }
            }
        }
    }
}
