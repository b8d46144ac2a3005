package io.gemma4j.metal;

import java.lang.foreign.MemorySegment;

/**
 * A GPU as Metal describes it. Thread-safe. Whoever opened it closes it, after everything that was made on it.
 */
final class MetalDevice implements AutoCloseable {
    private static final long FAMILY_APPLE7 = 1007;
    private static final long FAMILY_METAL3 = 5001;

    private final MemorySegment handle;
    private final String name;
    private final long maxBufferBytes;
    private final long workingSetBytes;
    private final long threadgroupBytes;
    private boolean closed;

    private MetalDevice(MemorySegment handle) {
        this.handle = handle;
        try (AutoreleasePool _ = new AutoreleasePool()) {
            name = ObjectiveC.text(ObjectiveC.pointer(() -> (MemorySegment) MetalMessages.name.handle().invokeExact(handle)));
            maxBufferBytes = ObjectiveC.integer(() -> (long) MetalMessages.maxBufferLength.handle().invokeExact(handle));
            workingSetBytes = ObjectiveC.integer(() -> (long) MetalMessages.recommendedMaxWorkingSetSize.handle().invokeExact(handle));
            threadgroupBytes = ObjectiveC.integer(() -> (long) MetalMessages.maxThreadgroupMemoryLength.handle().invokeExact(handle));
        }
    }

    /**
     * Opens the system's default GPU, or its first where it names no default, as for programs without a window session.
     *
     * @throws MetalException if there is none, if it lacks what the kernels need, or if a method is not what this library takes it for
     */
    static MetalDevice open() {
        MemorySegment handle = ObjectiveC.pointer(() -> (MemorySegment) ObjectiveC.MTLCreateSystemDefaultDevice.invokeExact());
        if (ObjectiveC.isNil(handle)) {
            handle = first();
        }
        try {
            SystemPrototypes.require(handle);
            requireFeatures(handle);
            return new MetalDevice(handle);
        } catch (RuntimeException e) {
            ObjectiveC.release(handle);
            throw e;
        }
    }

    private static MemorySegment first() {
        MemorySegment all = ObjectiveC.pointer(() -> (MemorySegment) ObjectiveC.MTLCopyAllDevices.invokeExact());
        try {
            if (ObjectiveC.integer(() -> (long) MetalMessages.count.handle().invokeExact(all)) == 0) {
                throw new MetalException("this system has no GPU that Metal can use");
            }
            MemorySegment device = ObjectiveC.pointer(() -> (MemorySegment) MetalMessages.objectAtIndex.handle().invokeExact(all, 0L));
            return ObjectiveC.pointer(() -> (MemorySegment) MetalMessages.retain.handle().invokeExact(device));
        } finally {
            ObjectiveC.release(all);
        }
    }

    private static void requireFeatures(MemorySegment handle) {
        // Shared memory without copies, and what the kernels use of the language: simdgroup reductions and matrices, bfloat.
        boolean apple7 = supports(handle, FAMILY_APPLE7);
        if (!apple7 || !supports(handle, FAMILY_METAL3)) {
            throw new MetalException("expected a GPU of the families Apple 7 and Metal 3, i.e. Apple M1 or newer with macOS 13 or newer");
        }
        if (ObjectiveC.integer(() -> (boolean) MetalMessages.hasUnifiedMemory.handle().invokeExact(handle) ? 1 : 0) == 0) {
            throw new MetalException("expected a GPU that shares the computer's memory");
        }
    }

    private static boolean supports(MemorySegment handle, long family) {
        return ObjectiveC.integer(() -> (boolean) MetalMessages.supportsFamily.handle().invokeExact(handle, family) ? 1 : 0) != 0;
    }

    MemorySegment handle() {
        return handle;
    }

    /** E.g. {@code Apple M3 Max}. */
    String name() {
        return name;
    }

    /** The largest buffer. */
    long maxBufferBytes() {
        return maxBufferBytes;
    }

    /** What may be resident at once without the system slowing down. */
    long workingSetBytes() {
        return workingSetBytes;
    }

    /** What a threadgroup has for itself. */
    long threadgroupBytes() {
        return threadgroupBytes;
    }

    /** What this process has allocated on the device. */
    long allocatedBytes() {
        return ObjectiveC.integer(() -> (long) MetalMessages.currentAllocatedSize.handle().invokeExact(handle));
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            ObjectiveC.release(handle);
        }
    }
}
