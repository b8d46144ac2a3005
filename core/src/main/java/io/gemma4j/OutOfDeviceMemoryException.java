package io.gemma4j;

/** A device has not enough free memory. Says what for, how much was needed, how much was free, and what helps. */
public final class OutOfDeviceMemoryException extends Gemma4Exception {
    private static final long serialVersionUID = 1L;
    private final long neededBytes;
    private final long freeBytes;

    /**
     * Creates the exception.
     *
     * @param device name of the device
     * @param purpose what the memory was for
     * @param neededBytes how much was asked for
     * @param freeBytes how much the device had left
     * @param totalBytes how much the device has
     * @param cause what it followed from
     */
    public OutOfDeviceMemoryException(String device, String purpose, long neededBytes, long freeBytes, long totalBytes, Throwable cause) {
        super(device + ": no memory for " + purpose + ": " + neededBytes + " bytes needed, " + freeBytes + " of " + totalBytes
                + " free; use a smaller model or quantization, fewer contextTokens, kvType F16, fewer prefillTokens or sessions, or close what else"
                + " uses the device", cause);
        this.neededBytes = neededBytes;
        this.freeBytes = freeBytes;
    }

    /**
     * How much was asked for.
     *
     * @return bytes
     */
    public long neededBytes() {
        return neededBytes;
    }

    /**
     * How much the device had left.
     *
     * @return bytes
     */
    public long freeBytes() {
        return freeBytes;
    }
}
