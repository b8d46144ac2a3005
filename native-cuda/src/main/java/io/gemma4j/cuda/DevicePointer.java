package io.gemma4j.cuda;

/**
 * An address in a device's memory, inside a buffer that somebody else owns. Immutable.
 *
 * @param address as the device sees it
 */
record DevicePointer(long address) {
    /** No memory: what a kernel takes for an absent argument. */
    static final DevicePointer NULL = new DevicePointer(0);

    /** The address {@code bytes} further. */
    DevicePointer plus(long bytes) {
        return new DevicePointer(address + bytes);
    }
}
