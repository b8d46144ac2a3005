package io.gemma4j.metal;

import java.lang.foreign.MemorySegment;

/** Where command buffers wait for the GPU, which runs them in order. Thread-safe. Whoever created it closes it, after its work. */
final class CommandQueue implements AutoCloseable {
    private final MemorySegment handle;
    private boolean closed;

    CommandQueue(MetalDevice device) {
        handle = ObjectiveC.pointer(() -> (MemorySegment) MetalMessages.newCommandQueue.handle().invokeExact(device.handle()));
        if (ObjectiveC.isNil(handle)) {
            throw new MetalException("Metal gave no command queue for " + device.name());
        }
    }

    MemorySegment handle() {
        return handle;
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            ObjectiveC.release(handle);
        }
    }
}
