package io.gemma4j.backend.cpu.vector;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;

/**
 * Reads at plain addresses, without a check. Through the segment of a mapped file every load costs the compiler so much of what it allows one method
 * that a kernel of a dozen loads is no longer compiled as a whole; through one constant segment that covers everything it costs almost nothing. Who
 * reads here has checked the whole range before.
 */
final class NativeMemory {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    /** All memory. */
    static final MemorySegment ALL = all();
    /**
     * To be masked with: tells the compiler that an address is in range. No processor has longer addresses for programs; on Linux for ARM files are
     * mapped above 2^47.
     */
    static final long POSITIVE = 0x00FF_FFFF_FFFF_FFFFL;

    // As good as two or eight times as much.
    private static final long AHEAD_BYTES = 512;
    private static final long PAGE_BYTES = 4096;
    private static final long LINE_BYTES = 64;

    private NativeMemory() {}

    @SuppressWarnings("restricted")
    private static MemorySegment all() {
        return MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    }

    /**
     * The address of the first of {@code rows} rows, after checking that all of them are there.
     *
     * @throws IllegalArgumentException for bytes on the Java heap, which have no address, and for rows that are shorter than {@code columns}
     * @throws IllegalStateException if the memory has been freed
     * @throws IndexOutOfBoundsException for rows outside {@code bytes}
     */
    static long rows(GgmlType type, MemorySegment bytes, long byteOffset, long rowBytes, int rows, int columns) {
        if (rowBytes < type.rowBytes(columns)) {
            throw new IllegalArgumentException(columns + " columns of " + type + " take " + type.rowBytes(columns) + " bytes, a row has " + rowBytes);
        }
        return range(bytes, byteOffset, Math.multiplyExact(rowBytes, rows));
    }

    /**
     * The address of byte {@code byteOffset}, after checking that {@code length} bytes are there.
     *
     * @throws IllegalArgumentException for bytes on the Java heap, which have no address
     * @throws IllegalStateException if the memory has been freed
     * @throws IndexOutOfBoundsException for a range outside {@code bytes}
     */
    static long range(MemorySegment bytes, long byteOffset, long length) {
        if (!bytes.isNative()) {
            throw new IllegalArgumentException("bytes on the Java heap have no address: " + bytes);
        }
        if (!bytes.scope().isAlive()) {
            throw new IllegalStateException("the memory has been freed: " + bytes);
        }
        Objects.checkFromIndexSize(byteOffset, length, bytes.byteSize());
        return bytes.address() + byteOffset;
    }

    static long i64(long address) {
        return ALL.get(LONG, address & POSITIVE);
    }

    static float f32(long address) {
        return ALL.get(FLOAT, address & POSITIVE);
    }

    /**
     * Reads some way beyond {@code address}, but not beyond {@code last}: who multiplies what memory delivers waits less for what was asked for before.
     * The compiler drops a read whose result is not used, see {@link #keep}.
     */
    static long ahead(long address, long last) {
        return i64(Math.min(address + AHEAD_BYTES, last));
    }

    /**
     * Reads the first lines of the pages that begin a page beyond the {@code bytes} bytes at {@code address}, but none beyond {@code last}: processors fetch
     * on their own what follows in a page, but not the next page.
     */
    static long pagesAhead(long address, long bytes, long last) {
        long from = address + PAGE_BYTES;
        long to = Math.min(from + bytes, last - 3 * LINE_BYTES);
        long read = 0;
        for (long page = from + PAGE_BYTES - 1 & -PAGE_BYTES; page < to; page += PAGE_BYTES) {
            read ^= i64(page) ^ i64(page + LINE_BYTES) ^ i64(page + 2 * LINE_BYTES) ^ i64(page + 3 * LINE_BYTES);
        }
        return read;
    }

    /**
     * Leaves the {@code rows} elements as they are, but seems to depend on what was read ahead: the lowest bit of a number is never one of the number before
     * it.
     */
    static void keep(long ahead, float[] out, int outOffset, int rows) {
        if (rows > 0) {
            int last = outOffset + rows - 1;
            out[last] = Float.intBitsToFloat(Float.floatToRawIntBits(out[last]) | (int) (ahead & -ahead & ahead - 1));
        }
    }

    static float f16(long address) {
        return Float.float16ToFloat(ALL.get(SHORT, address & POSITIVE));
    }
}
