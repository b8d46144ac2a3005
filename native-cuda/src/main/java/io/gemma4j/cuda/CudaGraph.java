package io.gemma4j.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Recorded work, made ready to be run as one. Reads and writes the memory it was recorded with, which must stay allocated. Used by one
 * thread at a time. Whoever recorded it closes it.
 */
final class CudaGraph implements AutoCloseable {
    private final CudaContext context;
    private final MemorySegment executable;
    private boolean closed;

    /** Takes over {@code recorded} and frees it. */
    CudaGraph(CudaContext context, MemorySegment recorded) {
        this.context = context;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ADDRESS);
            context.check("cuGraphInstantiateWithFlags", () -> (int) CudaDriver.cuGraphInstantiateWithFlags.invokeExact(out, recorded, 0L));
            executable = out.get(ADDRESS, 0);
        } finally {
            context.check("cuGraphDestroy", () -> (int) CudaDriver.cuGraphDestroy.invokeExact(recorded));
        }
    }

    /** Brings it to the device, so that the first run need not. */
    void upload(CudaStream stream) {
        context.check("cuGraphUpload", () -> (int) CudaDriver.cuGraphUpload.invokeExact(executable, stream.handle()));
    }

    /** Queues it. */
    void launch(CudaStream stream) {
        context.check("cuGraphLaunch", () -> (int) CudaDriver.cuGraphLaunch.invokeExact(executable, stream.handle()));
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            context.check("cuGraphExecDestroy", () -> (int) CudaDriver.cuGraphExecDestroy.invokeExact(executable));
        }
    }
}
