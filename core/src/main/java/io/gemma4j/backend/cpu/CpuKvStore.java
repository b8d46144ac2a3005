package io.gemma4j.backend.cpu;

import io.gemma4j.backend.KvStore;
import java.lang.foreign.MemorySegment;

/** The keys or the values of a {@link CpuKvLayer}, for whoever copies them. */
final class CpuKvStore implements KvStore {
    private final CpuKvLayer layer;
    private final MemorySegment[] pages;

    /** @param pages those of the layer that hold this store; null where they are not allocated */
    CpuKvStore(CpuKvLayer layer, MemorySegment[] pages) {
        this.layer = layer;
        this.pages = pages;
    }

    @Override
    public int kvHeads() {
        return layer.layout().kvHeads();
    }

    @Override
    public int slots() {
        return layer.layout().slots();
    }

    @Override
    public int headBytes() {
        return layer.headBytes();
    }

    @Override
    public void read(int slot, int count, MemorySegment to, long headStride) {
        for (int done = 0, run; done < count; done += run) {
            run = Math.min(count - done, layer.contiguousSlots(slot + done));
            for (int head = 0; head < kvHeads(); head++) {
                MemorySegment.copy(page(slot + done), layer.offset(head, slot + done), to, head * headStride + (long) done * headBytes(), headRun(run));
            }
        }
    }

    @Override
    public void write(int slot, int count, MemorySegment from, long headStride) {
        for (int done = 0, run; done < count; done += run) {
            run = Math.min(count - done, layer.contiguousSlots(slot + done));
            layer.reserve(slot + done);
            for (int head = 0; head < kvHeads(); head++) {
                MemorySegment.copy(from, head * headStride + (long) done * headBytes(), page(slot + done), layer.offset(head, slot + done), headRun(run));
            }
        }
    }

    @Override
    public void copy(KvStore from, int fromSlot, int slot, int count) {
        CpuKvStore source = (CpuKvStore) from;
        for (int done = 0, run; done < count; done += run) {
            int at = slot + done;
            int sourceAt = fromSlot + done;
            run = Math.min(count - done, Math.min(layer.contiguousSlots(at), source.layer.contiguousSlots(sourceAt)));
            layer.reserve(at);
            for (int head = 0; head < kvHeads(); head++) {
                MemorySegment.copy(source.page(sourceAt), source.layer.offset(head, sourceAt), page(at), layer.offset(head, at), headRun(run));
            }
        }
    }

    // Bytes of one head.
    private long headRun(int slots) {
        return (long) slots * headBytes();
    }

    private MemorySegment page(int slot) {
        return pages[layer.page(slot)];
    }
}
