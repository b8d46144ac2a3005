package io.gemma4j.backend;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Memory of the computer for some positions of all rings. Whoever allocated it closes it.
 *
 * @param arena what it lives in
 * @param segments one for each ring, {@code [kvHeads][positions][headBytes]}
 * @param positions how many
 */
record RingCopy(Arena arena, List<MemorySegment> segments, int positions) implements AutoCloseable {

    /**
     * Allocates it.
     *
     * @throws OutOfMemoryError if there is none; nothing stays allocated then
     */
    static RingCopy allocate(List<KvStore> rings, int positions) {
        Arena arena = Arena.ofShared();
        try {
            return new RingCopy(arena, rings.stream().map(ring -> arena.allocate(ring.bytes(positions), Long.BYTES)).toList(), positions);
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    long bytes() {
        return segments.stream().mapToLong(MemorySegment::byteSize).sum();
    }

    void read(List<KvStore> rings, int firstPosition) {
        for (int i = 0; i < segments.size(); i++) {
            rings.get(i).readPositions(firstPosition, positions, segments.get(i));
        }
    }

    void write(List<KvStore> rings, int firstPosition) {
        for (int i = 0; i < segments.size(); i++) {
            rings.get(i).writePositions(firstPosition, positions, segments.get(i));
        }
    }

    @Override
    public void close() {
        arena.close();
    }
}
