package io.gemma4j.backend.cpu;

import io.gemma4j.backend.KvStore;
import java.lang.foreign.MemorySegment;

/** The keys or the values of {@link KvPages}, for whoever copies them. */
final class CpuKvStore implements KvStore {
    private final KvPages store;
    private final MemorySegment[] pages;

    /** @param pages those that hold them; null where they are not allocated */
    CpuKvStore(KvPages store, MemorySegment[] pages) {
        this.store = store;
        this.pages = pages;
    }

    @Override
    public int kvHeads() {
        return store.kvHeads();
    }

    @Override
    public int slots() {
        return store.slots();
    }

    @Override
    public int headBytes() {
        return (int) store.headBytes();
    }

    @Override
    public void read(int slot, int count, MemorySegment to, long headStride) {
        for (int done = 0, run; done < count; done += run) {
            run = Math.min(count - done, store.contiguousSlots(slot + done));
            for (int head = 0; head < kvHeads(); head++) {
                MemorySegment.copy(page(slot + done), store.offset(head, slot + done), to, head * headStride + (long) done * headBytes(), headRun(run));
            }
        }
    }

    @Override
    public void write(int slot, int count, MemorySegment from, long headStride) {
        for (int done = 0, run; done < count; done += run) {
            run = Math.min(count - done, store.contiguousSlots(slot + done));
            store.reserve(slot + done);
            for (int head = 0; head < kvHeads(); head++) {
                MemorySegment.copy(from, head * headStride + (long) done * headBytes(), page(slot + done), store.offset(head, slot + done), headRun(run));
            }
        }
    }

    @Override
    public void copy(KvStore from, int fromSlot, int slot, int count) {
        CpuKvStore source = (CpuKvStore) from;
        for (int done = 0, run; done < count; done += run) {
            int at = slot + done;
            int sourceAt = fromSlot + done;
            run = Math.min(count - done, Math.min(store.contiguousSlots(at), source.store.contiguousSlots(sourceAt)));
            store.reserve(at);
            for (int head = 0; head < kvHeads(); head++) {
                MemorySegment.copy(source.page(sourceAt), source.store.offset(head, sourceAt), page(at), store.offset(head, at), headRun(run));
            }
        }
    }

    // Bytes of one head.
    private long headRun(int slots) {
        return (long) slots * headBytes();
    }

    private MemorySegment page(int slot) {
        return pages[store.page(slot)];
    }
}
