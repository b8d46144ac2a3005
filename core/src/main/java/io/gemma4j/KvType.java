package io.gemma4j;

/** Element type of the key/value cache. */
public enum KvType {
    /** 32-bit floats: exact, twice the memory. */
    F32(4),
    /** 16-bit floats: the default. Keys and values are normalized, so their range fits. */
    F16(2);

    private final int elementBytes;

    KvType(int elementBytes) {
        this.elementBytes = elementBytes;
    }

    /**
     * Size of one element.
     *
     * @return bytes
     */
    public int elementBytes() {
        return elementBytes;
    }
}
