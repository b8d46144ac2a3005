package io.gemma4j.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory of the computer that the device reads and writes by itself, while the processor goes on. Not thread-safe: who writes it waits
 * until the device has read it. Whoever allocated it closes it, once the device is done with it.
 */
@SuppressWarnings("restricted") // memory and functions of the driver
final class PinnedMemory implements AutoCloseable {
    private static final int DEVICE_MAPPED = 2;

    private final CudaContext context;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment segment;

    /** Allocates memory with undefined contents. */
    PinnedMemory(CudaContext context, long bytes) {
        this.context = context;
        try (Arena confined = Arena.ofConfined()) {
            MemorySegment out = confined.allocate(ADDRESS);
            context.check("cuMemHostAlloc", () -> (int) CudaDriver.cuMemHostAlloc.invokeExact(out, bytes, DEVICE_MAPPED));
            segment = out.get(ADDRESS, 0).reinterpret(bytes, arena, this::free);
        }
    }

    /** The memory; using it after {@link #close()} throws. */
    MemorySegment segment() {
        return segment;
    }

    /** The same memory as the device sees it. */
    DevicePointer pointer() {
        // Host and device share one address space.
        return new DevicePointer(segment.address());
    }

    private void free(MemorySegment memory) {
        context.check("cuMemFreeHost", () -> (int) CudaDriver.cuMemFreeHost.invokeExact(memory));
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
