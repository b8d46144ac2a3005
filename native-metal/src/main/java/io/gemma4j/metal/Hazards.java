package io.gemma4j.metal;

import java.util.Arrays;

/**
 * What the dispatches since the last barrier read and write. Dispatches of a concurrent encoder run in any order and together; one that touches
 * what an earlier one writes, or writes what an earlier one reads, needs a barrier before it. Used by one thread at a time.
 */
final class Hazards {
    private BufferSlice[] reads = new BufferSlice[64];
    private BufferSlice[] writes = new BufferSlice[16];
    private int readCount;
    private int writeCount;

    /** Whether reading it needs a barrier first. */
    boolean conflictsRead(BufferSlice slice) {
        return overlaps(slice, writes, writeCount);
    }

    /** Whether writing it needs a barrier first. */
    boolean conflictsWrite(BufferSlice slice) {
        return overlaps(slice, writes, writeCount) || overlaps(slice, reads, readCount);
    }

    /** Notes that a dispatch reads it. */
    void read(BufferSlice slice) {
        if (readCount == reads.length) {
            reads = Arrays.copyOf(reads, 2 * readCount);
        }
        reads[readCount++] = slice;
    }

    /** Notes that a dispatch writes it. */
    void write(BufferSlice slice) {
        if (writeCount == writes.length) {
            writes = Arrays.copyOf(writes, 2 * writeCount);
        }
        writes[writeCount++] = slice;
    }

    /** Forgets what was before a barrier. */
    void clear() {
        Arrays.fill(reads, 0, readCount, null);
        Arrays.fill(writes, 0, writeCount, null);
        readCount = 0;
        writeCount = 0;
    }

    private static boolean overlaps(BufferSlice slice, BufferSlice[] others, int count) {
        for (int i = 0; i < count; i++) {
            if (slice.overlaps(others[i])) {
                return true;
            }
        }
        return false;
    }
}
