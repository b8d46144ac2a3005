package io.gemma4j.metal;

import java.lang.foreign.MemorySegment;

/** A command buffer that the GPU has. Any thread may wait for it. Whoever got it closes it. */
final class CommittedWork implements AutoCloseable {
    private static final long STATUS_COMPLETED = 4;

    private final MemorySegment handle;
    private boolean closed;

    /** Takes over a reference. */
    CommittedWork(MemorySegment handle) {
        this.handle = handle;
    }

    /**
     * Waits until the GPU is done with it.
     *
     * @throws MetalException if it failed
     */
    void await() {
        try (AutoreleasePool _ = new AutoreleasePool()) {
            ObjectiveC.run(() -> { MetalMessages.waitUntilCompleted.handle().invokeExact(handle); });
            if (ObjectiveC.integer(() -> (long) MetalMessages.status.handle().invokeExact(handle)) != STATUS_COMPLETED) {
                throw new MetalException("work on the GPU failed: "
                        + ObjectiveC.errorText(ObjectiveC.pointer(() -> (MemorySegment) MetalMessages.error.handle().invokeExact(handle))));
            }
        }
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            ObjectiveC.release(handle);
        }
    }
}
