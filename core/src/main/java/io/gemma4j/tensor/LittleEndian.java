package io.gemma4j.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Reads and writes the little-endian scalars of weight blocks, at any alignment, from heap or native segments. Stateless and thread-safe. Every
 * method throws {@link IndexOutOfBoundsException} outside the segment.
 */
public final class LittleEndian {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private LittleEndian() {}

    /** The byte as -128 to 127. */
    public static int i8(MemorySegment bytes, long offset) {
        return bytes.get(ValueLayout.JAVA_BYTE, offset);
    }

    /** The byte as 0 to 255. */
    public static int u8(MemorySegment bytes, long offset) {
        return i8(bytes, offset) & 0xFF;
    }

    /** Two bytes as 0 to 65535. */
    public static int u16(MemorySegment bytes, long offset) {
        return bytes.get(SHORT, offset) & 0xFFFF;
    }

    /** Four bytes as a bit pattern. */
    public static int i32(MemorySegment bytes, long offset) {
        return bytes.get(INT, offset);
    }

    /** Eight bytes as a bit pattern. */
    public static long i64(MemorySegment bytes, long offset) {
        return bytes.get(LONG, offset);
    }

    /** An IEEE 754 binary16, exactly. */
    public static float f16(MemorySegment bytes, long offset) {
        return Float.float16ToFloat(bytes.get(SHORT, offset));
    }

    /** A bfloat16, the upper half of a binary32, exactly. */
    public static float bf16(MemorySegment bytes, long offset) {
        return Float.intBitsToFloat(bytes.get(SHORT, offset) << 16);
    }

    /** An IEEE 754 binary32. */
    public static float f32(MemorySegment bytes, long offset) {
        return bytes.get(FLOAT, offset);
    }

    /** Sets a byte to the lowest 8 bits of {@code value}. */
    public static void putU8(MemorySegment bytes, long offset, int value) {
        bytes.set(ValueLayout.JAVA_BYTE, offset, (byte) value);
    }

    /** Sets two bytes to the lowest 16 bits of {@code value}. */
    static void putU16(MemorySegment bytes, long offset, int value) {
        bytes.set(SHORT, offset, (short) value);
    }

    /** Sets four bytes to a bit pattern. */
    static void putI32(MemorySegment bytes, long offset, int value) {
        bytes.set(INT, offset, value);
    }

    /** Sets two bytes to the nearest IEEE 754 binary16. */
    public static void putF16(MemorySegment bytes, long offset, float value) {
        bytes.set(SHORT, offset, Float.floatToFloat16(value));
    }

    /** Sets four bytes to an IEEE 754 binary32. */
    static void putF32(MemorySegment bytes, long offset, float value) {
        bytes.set(FLOAT, offset, value);
    }
}
