package io.gemma4j.metal;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Memory that becomes one buffer: whole pages around pieces that lie close together. Immutable.
 *
 * @param address of the first page
 * @param bytes in whole pages
 */
record MappedRegion(long address, long bytes) {

    /**
     * The fewest regions that cover all pieces, each at most as large as a buffer may be; a piece is never in two. Memory between pieces is only
     * taken where it shares a page with them, since nothing else is known to be mapped.
     *
     * @param maxBytes of a buffer
     * @throws MetalException if a piece is larger than a buffer may be
     */
    static List<MappedRegion> covering(List<MemorySegment> pieces, long maxBytes) {
        List<MappedRegion> regions = new ArrayList<>();
        MappedRegion last = null;
        for (MemorySegment piece : pieces.stream().sorted(Comparator.comparingLong(MemorySegment::address)).toList()) {
            MappedRegion own = around(piece);
            if (own.bytes > maxBytes) {
                throw new MetalException("a tensor of " + piece.byteSize() + " bytes does not fit a buffer of Metal, which takes up to " + maxBytes);
            }
            boolean near = last != null && own.address <= last.end();
            long end = near ? Math.max(last.end(), own.end()) : own.end();
            if (near && end - last.address <= maxBytes) {
                last = new MappedRegion(last.address, end - last.address);
                regions.set(regions.size() - 1, last);
            } else {
                last = own;
                regions.add(own);
            }
        }
        return regions;
    }

    private static MappedRegion around(MemorySegment piece) {
        long start = Math.floorDiv(piece.address(), MetalBuffer.PAGE_BYTES) * MetalBuffer.PAGE_BYTES;
        long end = Math.ceilDiv(piece.address() + piece.byteSize(), MetalBuffer.PAGE_BYTES) * MetalBuffer.PAGE_BYTES;
        return new MappedRegion(start, end - start);
    }

    private long end() {
        return address + bytes;
    }

    /** Whether all of {@code piece} is inside. */
    boolean contains(MemorySegment piece) {
        return piece.address() >= address && piece.address() + piece.byteSize() <= end();
    }
}
