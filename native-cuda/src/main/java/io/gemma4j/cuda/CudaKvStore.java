package io.gemma4j.cuda;

import io.gemma4j.backend.KvStore;
import java.lang.foreign.MemorySegment;

/**
 * Keys or values {@code [kvHeads][slots][headBytes]} in device memory, for whoever copies them. Copies are queued behind what the stream does.
 *
 * @param stream used by the thread that copies
 * @param buffer holds them
 * @param offset where they start in it, in bytes
 */
record CudaKvStore(CudaStream stream, CudaBuffer buffer, long offset, int kvHeads, int slots, int headBytes) implements KvStore {

    private DevicePointer head(int head, int slot, int count) {
        return buffer.pointer(offset + ((long) head * slots + slot) * headBytes, (long) count * headBytes);
    }

    @Override
    public void read(int slot, int count, MemorySegment to, long headStride) {
        for (int head = 0; head < kvHeads; head++) {
            stream.download(head(head, slot, count), to.asSlice(head * headStride, (long) count * headBytes));
        }
        stream.synchronize();
    }

    @Override
    public void write(int slot, int count, MemorySegment from, long headStride) {
        for (int head = 0; head < kvHeads; head++) {
            stream.upload(from.asSlice(head * headStride, (long) count * headBytes), head(head, slot, count));
        }
        stream.synchronize();
    }

    @Override
    public void copy(KvStore from, int fromSlot, int slot, int count) {
        CudaKvStore source = (CudaKvStore) from;
        for (int head = 0; head < kvHeads; head++) {
            stream.copy(source.head(head, fromSlot, count), head(head, slot, count), (long) count * headBytes);
        }
    }
}
