package io.gemma4j.metal;

import io.gemma4j.OutOfDeviceMemoryException;
import java.lang.foreign.MemorySegment;

/**
 * Memory that the GPU and the computer share. Its contents belong to whoever encodes the work that uses it; allocating and closing are
 * thread-safe. Whoever made it closes it, after the work that uses it.
 */
@SuppressWarnings("restricted") // memory of the system
final class MetalBuffer implements AutoCloseable {
    /** Memory is wrapped in whole pages. */
    static final long PAGE_BYTES = 16384;

    private static final long SHARED_MEMORY = 0;

    private final MemorySegment handle;
    private final String purpose;
    private final MemorySegment contents;
    private boolean closed;

    private MetalBuffer(MemorySegment handle, String purpose, long bytes) {
        this.handle = handle;
        this.purpose = purpose;
        this.contents = ObjectiveC.pointer(() -> (MemorySegment) MetalMessages.contents.handle().invokeExact(handle)).reinterpret(bytes);
    }

    /**
     * Allocates memory of zeros.
     *
     * @param purpose what it is for, for messages
     * @param bytes at least 1
     * @throws OutOfDeviceMemoryException if there is not enough, or if one buffer cannot be as large
     */
    static MetalBuffer allocate(MetalDevice device, String purpose, long bytes) {
        if (bytes <= 0) {
            throw new IllegalArgumentException(purpose + ": expected at least 1 byte, found " + bytes);
        }
        MemorySegment handle = bytes > device.maxBufferBytes() ? MemorySegment.NULL : ObjectiveC.pointer(
                () -> (MemorySegment) MetalMessages.newBufferWithLength.handle().invokeExact(device.handle(), bytes, SHARED_MEMORY));
        if (ObjectiveC.isNil(handle)) {
            long free = Math.max(0, device.workingSetBytes() - device.allocatedBytes());
            throw new OutOfDeviceMemoryException(device.name(), purpose, bytes, free, device.workingSetBytes(), null);
        }
        return new MetalBuffer(handle, purpose, bytes);
    }

    /**
     * Makes memory of this process visible to the GPU, without a copy. It has to stay mapped until the buffer is closed.
     *
     * @param purpose what it is, for messages
     * @param pages native, starts at a page and has a length in pages, of {@value #PAGE_BYTES} bytes
     * @throws MetalException if the system refuses it
     */
    static MetalBuffer wrap(MetalDevice device, String purpose, MemorySegment pages) {
        long bytes = pages.byteSize();
        if (!pages.isNative() || pages.address() % PAGE_BYTES != 0 || bytes % PAGE_BYTES != 0 || bytes == 0) {
            throw new IllegalArgumentException(purpose + ": expected whole native pages of " + PAGE_BYTES + " bytes, found " + pages);
        }
        MemorySegment handle = ObjectiveC.pointer(() -> (MemorySegment) MetalMessages.newBufferWithBytesNoCopy.handle().invokeExact(device.handle(),
                pages, bytes, SHARED_MEMORY, MemorySegment.NULL));
        if (ObjectiveC.isNil(handle)) {
            throw new MetalException(purpose + ": Metal did not take " + bytes + " bytes of mapped memory");
        }
        return new MetalBuffer(handle, purpose, bytes);
    }

    MemorySegment handle() {
        return handle;
    }

    long bytes() {
        return contents.byteSize();
    }

    /**
     * The memory itself, to be read and written while no work that uses it is under way.
     *
     * @throws IllegalStateException if it is closed
     */
    MemorySegment contents() {
        requireOpen();
        return contents;
    }

    /** All of it. */
    BufferSlice slice() {
        return slice(0, bytes());
    }

    /**
     * A part.
     *
     * @param offset in bytes, a multiple of 4
     * @param count in bytes
     */
    BufferSlice slice(long offset, long count) {
        requireOpen();
        if (offset < 0 || count < 0 || count > bytes() - offset || offset % 4 != 0) {
            throw new IndexOutOfBoundsException(purpose + ": bytes [" + offset + ", " + (offset + count) + ") of " + bytes());
        }
        return new BufferSlice(this, offset, count);
    }

    private synchronized void requireOpen() {
        if (closed) {
            throw new IllegalStateException("GPU memory of " + purpose + " is closed");
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
