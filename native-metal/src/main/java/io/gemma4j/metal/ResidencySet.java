package io.gemma4j.metal;

import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Keeps buffers mapped for the GPU between steps, where the system offers that (since macOS 15); else it does nothing. Used by one thread at a
 * time. Whoever created it closes it, before the buffers.
 */
final class ResidencySet implements AutoCloseable {
    private final MemorySegment handle;
    private boolean closed;

    /** Creates an empty set for the work of a queue. */
    ResidencySet(MetalDevice device, CommandQueue queue) {
        if (!ObjectiveC.responds(device.handle(), MetalMessages.newResidencySet)) {
            handle = null;
            return;
        }
        handle = make(device.handle());
        ObjectiveC.run(() -> { MetalMessages.addResidencySet.handle().invokeExact(queue.handle(), handle); });
    }

    /** A new set; the caller releases it. */
    static MemorySegment make(MemorySegment device) {
        try (AutoreleasePool _ = new AutoreleasePool(); Arena arena = Arena.ofConfined()) {
            MemorySegment owner = ObjectiveC.classNamed("MTLResidencySetDescriptor");
            MemorySegment descriptor = ObjectiveC.pointer(() -> (MemorySegment) MetalMessages.newResidencySetDescriptor.handle().invokeExact(owner));
            try {
                MemorySegment error = arena.allocate(ADDRESS);
                MemorySegment set = ObjectiveC.pointer(
                        () -> (MemorySegment) MetalMessages.newResidencySet.handle().invokeExact(device, descriptor, error));
                if (ObjectiveC.isNil(set)) {
                    throw new MetalException("a residency set: " + ObjectiveC.errorText(error.get(ADDRESS, 0)));
                }
                return set;
            } finally {
                ObjectiveC.release(descriptor);
            }
        }
    }

    /** Adds buffers and makes all of the set resident. */
    void add(Iterable<MetalBuffer> buffers) {
        if (handle == null) {
            return;
        }
        for (MetalBuffer buffer : buffers) {
            ObjectiveC.run(() -> { MetalMessages.addAllocation.handle().invokeExact(handle, buffer.handle()); });
        }
        ObjectiveC.run(() -> { MetalMessages.commitResidency.handle().invokeExact(handle); });
        ObjectiveC.run(() -> { MetalMessages.requestResidency.handle().invokeExact(handle); });
    }

    @Override
    public void close() {
        if (!closed && handle != null) {
            ObjectiveC.run(() -> { MetalMessages.endResidency.handle().invokeExact(handle); });
            ObjectiveC.release(handle);
        }
        closed = true;
    }
}
