package io.gemma4j.cuda;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Brings large memory, such as a mapped file, to the device: a few threads fill one pinned buffer while the device fetches the others. Used by
 * one thread at a time. Whoever created it closes it, which waits until everything is on the device.
 */
final class PinnedUpload implements AutoCloseable {
    private static final int BUFFERS = 4;
    private static final long BUFFER_BYTES = 16 << 20;
    // One thread copies slower than the bus; below so many bytes, waking others takes longer than it saves.
    private static final int MAX_THREADS = 8;
    private static final long MIN_THREAD_BYTES = 256 << 10;

    private final CudaStream stream;
    private final List<PinnedMemory> buffers = new ArrayList<>();
    private final List<CudaEvent> fetched = new ArrayList<>();
    private final int threads = Math.clamp(Runtime.getRuntime().availableProcessors(), 1, MAX_THREADS);
    private final ExecutorService copiers;
    private int next;

    /** Allocates the buffers. */
    PinnedUpload(CudaStream stream) {
        this.stream = stream;
        copiers = Executors.newFixedThreadPool(threads, Thread.ofPlatform().daemon().name("gemma4j-cuda-upload-", 0).factory());
        try {
            for (int i = 0; i < BUFFERS; i++) {
                buffers.add(new PinnedMemory(stream.context(), BUFFER_BYTES));
                fetched.add(new CudaEvent(stream.context()));
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Bytes that are brought in one piece at most. */
    static long pieceBytes() {
        return BUFFER_BYTES;
    }

    /** Queues the copy; {@code from} has been read on return. */
    void upload(MemorySegment from, DevicePointer to) {
        for (long at = 0; at < from.byteSize(); at += BUFFER_BYTES) {
            long bytes = Math.min(BUFFER_BYTES, from.byteSize() - at);
            fetched.get(next).synchronize();
            MemorySegment pinned = buffers.get(next).segment().asSlice(0, bytes);
            copy(from.asSlice(at, bytes), pinned);
            stream.upload(pinned, to.plus(at));
            fetched.get(next).record(stream);
            next = (next + 1) % BUFFERS;
        }
    }

    /** Copies within the computer's memory, with all threads. */
    void copy(MemorySegment from, MemorySegment to) {
        long slice = Math.max(MIN_THREAD_BYTES, Math.ceilDiv(from.byteSize(), (long) threads));
        List<Callable<MemorySegment>> copies = new ArrayList<>();
        for (long at = 0; at < from.byteSize(); at += slice) {
            long bytes = Math.min(slice, from.byteSize() - at);
            MemorySegment source = from.asSlice(at, bytes);
            MemorySegment target = to.asSlice(at, bytes);
            copies.add(() -> target.copyFrom(source));
        }
        if (copies.size() == 1) {
            to.copyFrom(from);
            return;
        }
        try {
            for (var copy : copiers.invokeAll(copies)) {
                copy.get();
            }
        } catch (InterruptedException e) {
            // Whoever loads a model is asked to stop by other means; what is half copied is finished here.
            to.copyFrom(from);
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException("the weights could not be read", e.getCause());
        }
    }

    @Override
    public void close() {
        copiers.shutdown();
        stream.synchronize();
        fetched.forEach(CudaEvent::close);
        buffers.forEach(PinnedMemory::close);
    }
}
