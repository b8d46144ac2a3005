package io.gemma4j.cuda;

/**
 * Device memory for what lives no longer than an operation. It grows as needed, so that what was handed out before may be gone; work that is
 * queued on it is waited for. Used by one thread at a time. Whoever created it closes it.
 */
final class ScratchMemory implements AutoCloseable {
    private final CudaContext context;
    private final String purpose;
    private final Runnable onMove;
    private CudaBuffer buffer;

    /**
     * Allocates nothing yet.
     *
     * @param onMove told when what was handed out is no longer valid
     */
    ScratchMemory(CudaContext context, String purpose, Runnable onMove) {
        this.context = context;
        this.purpose = purpose;
        this.onMove = onMove;
    }

    /** At least so many bytes, with undefined contents. */
    DevicePointer require(long bytes) {
        if (buffer == null || buffer.bytes() < bytes) {
            if (buffer != null) {
                onMove.run();
            }
            close();
            buffer = CudaBuffer.allocate(context, purpose, bytes);
        }
        return buffer.pointer();
    }

    @Override
    public void close() {
        if (buffer != null) {
            buffer.close();
            buffer = null;
        }
    }
}
