package io.gemma4j.metal;

import io.gemma4j.backend.KvStore;
import java.lang.foreign.MemorySegment;

/**
 * Keys or values {@code [slots][kvHeads][headBytes]} in memory that the GPU shares with the computer, for whoever copies them, once the work
 * under way is done.
 *
 * @param stream used by the thread that copies
 * @param values where they are
 */
record MetalKvStore(MetalStream stream, BufferSlice values, int kvHeads, int slots, int headBytes) implements KvStore {

    private MemorySegment contents() {
        stream.synchronize();
        return values.contents();
    }

    private long at(int slot, int head) {
        return ((long) slot * kvHeads + head) * headBytes;
    }

    @Override
    public void read(int slot, int count, MemorySegment to, long headStride) {
        MemorySegment from = contents();
        for (int i = 0; i < count; i++) {
            for (int head = 0; head < kvHeads; head++) {
                MemorySegment.copy(from, at(slot + i, head), to, head * headStride + (long) i * headBytes, headBytes);
            }
        }
    }

    @Override
    public void write(int slot, int count, MemorySegment from, long headStride) {
        MemorySegment to = contents();
        for (int i = 0; i < count; i++) {
            for (int head = 0; head < kvHeads; head++) {
                MemorySegment.copy(from, head * headStride + (long) i * headBytes, to, at(slot + i, head), headBytes);
            }
        }
    }

    @Override
    public void copy(KvStore from, int fromSlot, int slot, int count) {
        MemorySegment.copy(((MetalKvStore) from).contents(), at(fromSlot, 0), contents(), at(slot, 0), bytes(count));
    }
}
