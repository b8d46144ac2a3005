package io.gemma4j.cuda;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.gemma4j.OutOfDeviceMemoryException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory of a device. Its contents belong to whoever works on the stream that uses it; allocating and closing are thread-safe. Whoever
 * allocated it closes it, which waits for the device.
 */
final class CudaBuffer implements AutoCloseable {
    private final CudaContext context;
    private final String purpose;
    private final long bytes;
    private final long address;
    private boolean closed;

    private CudaBuffer(CudaContext context, String purpose, long bytes, long address) {
        this.context = context;
        this.purpose = purpose;
        this.bytes = bytes;
        this.address = address;
    }

    /**
     * Allocates memory, with undefined contents, aligned to 256 bytes.
     *
     * @param purpose what it is for, for messages
     * @param bytes at least 1
     * @throws OutOfDeviceMemoryException if the device has not enough
     */
    static CudaBuffer allocate(CudaContext context, String purpose, long bytes) {
        if (bytes <= 0) {
            throw new IllegalArgumentException(purpose + ": expected at least 1 byte, found " + bytes);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_LONG);
            context.check("cuMemAlloc_v2", () -> (int) CudaDriver.cuMemAlloc_v2.invokeExact(out, bytes));
            return new CudaBuffer(context, purpose, bytes, out.get(JAVA_LONG, 0));
        } catch (CudaException e) {
            if (e.status() != CudaException.OUT_OF_MEMORY) {
                throw e;
            }
            CudaContext.Memory memory = context.memory();
            throw new OutOfDeviceMemoryException(context.device().name(), purpose, bytes, memory.freeBytes(), memory.totalBytes(), e);
        }
    }

    /**
     * Allocates memory with contents, which are there on return.
     *
     * @param stream of the calling thread
     * @param contents native
     * @throws OutOfDeviceMemoryException if the device has not enough
     */
    static CudaBuffer of(CudaStream stream, String purpose, MemorySegment contents) {
        CudaBuffer buffer = allocate(stream.context(), purpose, contents.byteSize());
        try {
            stream.upload(contents, buffer.pointer());
            stream.synchronize();
            return buffer;
        } catch (RuntimeException | Error e) {
            try (buffer) {
                throw e;
            }
        }
    }

    long bytes() {
        return bytes;
    }

    /**
     * The start.
     *
     * @throws IllegalStateException if it is closed
     */
    DevicePointer pointer() {
        requireOpen();
        return new DevicePointer(address);
    }

    /**
     * A place inside.
     *
     * @param offset in bytes
     * @param count how many bytes from there on will be used
     */
    DevicePointer pointer(long offset, long count) {
        requireOpen();
        if (offset < 0 || count < 0 || count > bytes - offset) {
            throw new IndexOutOfBoundsException(purpose + ": bytes [" + offset + ", " + (offset + count) + ") of " + bytes);
        }
        return new DevicePointer(address + offset);
    }

    private synchronized void requireOpen() {
        if (closed) {
            throw new IllegalStateException("device memory of " + purpose + " is closed");
        }
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            context.check("cuMemFree_v2", () -> (int) CudaDriver.cuMemFree_v2.invokeExact(address));
        }
    }
}
