package io.gemma4j.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Work for a device in order. Calls return when the work is queued; {@link #synchronize()} waits for it. Used by one thread at a time. Whoever
 * created it closes it.
 */
final class CudaStream implements AutoCloseable {
    private static final int NON_BLOCKING = 1;
    private static final int CAPTURE_THREAD_LOCAL = 1;

    private final CudaContext context;
    private final boolean overlapping;
    private final MemorySegment handle;
    private boolean closed;

    /** Creates a stream that does not wait for others. */
    CudaStream(CudaContext context) {
        this(context, true);
    }

    /** @param overlapping whether kernels that allow it start before the one before has ended; without, results are the same */
    CudaStream(CudaContext context, boolean overlapping) {
        this.context = context;
        this.overlapping = overlapping;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ADDRESS);
            context.check("cuStreamCreate", () -> (int) CudaDriver.cuStreamCreate.invokeExact(out, NON_BLOCKING));
            handle = out.get(ADDRESS, 0);
        }
    }

    CudaContext context() {
        return context;
    }

    MemorySegment handle() {
        return handle;
    }

    boolean overlapping() {
        return overlapping;
    }

    /**
     * Copies memory of the computer to the device.
     *
     * @param from native; stays unchanged until the copy is done where it is pinned, else it has been read on return
     */
    void upload(MemorySegment from, DevicePointer to) {
        long address = to.address();
        long bytes = from.byteSize();
        context.check("cuMemcpyHtoDAsync_v2", () -> (int) CudaDriver.cuMemcpyHtoDAsync_v2.invokeExact(address, from, bytes, handle));
    }

    /** Copies memory of the device to the computer; {@code to} is native. */
    void download(DevicePointer from, MemorySegment to) {
        long address = from.address();
        long bytes = to.byteSize();
        context.check("cuMemcpyDtoHAsync_v2", () -> (int) CudaDriver.cuMemcpyDtoHAsync_v2.invokeExact(to, address, bytes, handle));
    }

    /** Copies within the device. */
    void copy(DevicePointer from, DevicePointer to, long bytes) {
        long source = from.address();
        long target = to.address();
        context.check("cuMemcpyDtoDAsync_v2", () -> (int) CudaDriver.cuMemcpyDtoDAsync_v2.invokeExact(target, source, bytes, handle));
    }

    /** Sets each byte. */
    void fill(DevicePointer to, byte value, long bytes) {
        long address = to.address();
        context.check("cuMemsetD8Async", () -> (int) CudaDriver.cuMemsetD8Async.invokeExact(address, value, bytes, handle));
    }

    /** What is queued from now on starts after {@code event}. */
    void waitFor(CudaEvent event) {
        context.check("cuStreamWaitEvent", () -> (int) CudaDriver.cuStreamWaitEvent.invokeExact(handle, event.handle(), 0));
    }

    /**
     * Waits until everything queued is done.
     *
     * @throws CudaException if any of it failed
     */
    void synchronize() {
        context.check("cuStreamSynchronize", () -> (int) CudaDriver.cuStreamSynchronize.invokeExact(handle));
    }

    /**
     * Records what {@code work} queues here instead of running it. It must neither allocate nor wait.
     *
     * @return to be run any number of times; the caller closes it
     */
    CudaGraph record(Runnable work) {
        // Only this thread is kept from unsafe calls: others of the process may use the device meanwhile.
        context.check("cuStreamBeginCapture_v2", () -> (int) CudaDriver.cuStreamBeginCapture_v2.invokeExact(handle, CAPTURE_THREAD_LOCAL));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment graph = arena.allocate(ADDRESS);
            try {
                work.run();
            } catch (RuntimeException | Error e) {
                endFailedCapture(graph, e);
                throw e;
            }
            context.check("cuStreamEndCapture", () -> (int) CudaDriver.cuStreamEndCapture.invokeExact(handle, graph));
            return new CudaGraph(context, graph.get(ADDRESS, 0));
        }
    }

    private void endFailedCapture(MemorySegment graph, Throwable failure) {
        try {
            context.check("cuStreamEndCapture", () -> (int) CudaDriver.cuStreamEndCapture.invokeExact(handle, graph));
            MemorySegment recorded = graph.get(ADDRESS, 0);
            context.check("cuGraphDestroy", () -> (int) CudaDriver.cuGraphDestroy.invokeExact(recorded));
        } catch (CudaException e) {
            failure.addSuppressed(e);
        }
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            context.check("cuStreamDestroy_v2", () -> (int) CudaDriver.cuStreamDestroy_v2.invokeExact(handle));
        }
    }
}
