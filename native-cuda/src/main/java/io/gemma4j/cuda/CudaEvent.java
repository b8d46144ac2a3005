package io.gemma4j.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A point in the work of a stream that others can wait for. Used by one thread at a time. Whoever created it closes it. */
final class CudaEvent implements AutoCloseable {
    private static final int DISABLE_TIMING = 2;

    private final CudaContext context;
    private final MemorySegment handle;
    private boolean closed;

    /** Creates an event that counts as reached until it is recorded. */
    CudaEvent(CudaContext context) {
        this.context = context;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ADDRESS);
            context.check("cuEventCreate", () -> (int) CudaDriver.cuEventCreate.invokeExact(out, DISABLE_TIMING));
            handle = out.get(ADDRESS, 0);
        }
    }

    MemorySegment handle() {
        return handle;
    }

    /** Puts the point after everything queued on {@code stream} so far. */
    void record(CudaStream stream) {
        context.check("cuEventRecord", () -> (int) CudaDriver.cuEventRecord.invokeExact(handle, stream.handle()));
    }

    /** Waits until the point is reached. */
    void synchronize() {
        context.check("cuEventSynchronize", () -> (int) CudaDriver.cuEventSynchronize.invokeExact(handle));
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            context.check("cuEventDestroy_v2", () -> (int) CudaDriver.cuEventDestroy_v2.invokeExact(handle));
        }
    }
}
