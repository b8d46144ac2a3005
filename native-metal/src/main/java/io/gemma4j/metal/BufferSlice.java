package io.gemma4j.metal;

import java.lang.foreign.MemorySegment;

/**
 * A part of a buffer that somebody else owns. Immutable.
 *
 * @param buffer the whole
 * @param offset in bytes, a multiple of 4
 * @param bytes how many
 */
record BufferSlice(MetalBuffer buffer, long offset, long bytes) {

    /** What is left after the first {@code skipped} bytes. */
    BufferSlice from(long skipped) {
        return buffer.slice(offset + skipped, bytes - skipped);
    }

    /** The first {@code count} bytes. */
    BufferSlice first(long count) {
        return from(0, count);
    }

    /** {@code count} bytes after the first {@code skipped}. */
    BufferSlice from(long skipped, long count) {
        if (skipped < 0 || count < 0 || count > bytes - skipped) {
            throw new IndexOutOfBoundsException("bytes [" + skipped + ", " + (skipped + count) + ") of " + bytes);
        }
        return buffer.slice(offset + skipped, count);
    }

    /** The memory itself, to be read and written while no work that uses it is under way. */
    MemorySegment contents() {
        return buffer.contents().asSlice(offset, bytes);
    }

    /** Whether the two have bytes in common. */
    boolean overlaps(BufferSlice other) {
        return buffer == other.buffer && offset < other.offset + other.bytes && other.offset < offset + bytes;
    }
}
