package io.gemma4j.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A device's primary context, which it shares with other users of the device in this process. Thread-safe: whoever calls the driver makes the
 * context current first, each time, so that work may come from any thread. That takes less time than handing each call to a thread of our own;
 * and it holds for virtual threads, which change their carrier only where they block, not between two calls of the driver.
 *
 * <p>Whoever opened it closes it, after everything that was made in it.
 */
final class CudaContext implements AutoCloseable {
    private final CudaDevice device;
    private final MemorySegment handle;
    private boolean closed;

    /** Takes hold of the primary context of a device. */
    CudaContext(CudaDevice device) {
        this.device = device;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ADDRESS);
            CudaDriver.check("cuDevicePrimaryCtxRetain", () -> (int) CudaDriver.cuDevicePrimaryCtxRetain.invokeExact(out, device.handle()));
            handle = out.get(ADDRESS, 0);
        }
    }

    /** Device memory now. */
    record Memory(long freeBytes, long totalBytes) {}

    CudaDevice device() {
        return device;
    }

    /** Directs this thread's next calls of the driver to this context. */
    void makeCurrent() {
        CudaDriver.check("cuCtxSetCurrent", () -> (int) CudaDriver.cuCtxSetCurrent.invokeExact(handle));
    }

    /** Calls the driver in this context. */
    void check(String name, CudaDriver.Call call) {
        makeCurrent();
        CudaDriver.check(name, call);
    }

    /** What the device has, whoever uses it. */
    Memory memory() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment free = arena.allocate(JAVA_LONG);
            MemorySegment total = arena.allocate(JAVA_LONG);
            check("cuMemGetInfo_v2", () -> (int) CudaDriver.cuMemGetInfo_v2.invokeExact(free, total));
            return new Memory(free.get(JAVA_LONG, 0), total.get(JAVA_LONG, 0));
        }
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            CudaDriver.check("cuDevicePrimaryCtxRelease_v2", () -> (int) CudaDriver.cuDevicePrimaryCtxRelease_v2.invokeExact(device.handle()));
        }
    }
}
