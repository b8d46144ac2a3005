package io.gemma4j.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The types a metadata value can have in a GGUF file, in the order of their ids, with the Java class that a value of the type is read as:
 * unsigned integers as the next wider class, u64 as {@link Long} where it fits and {@link BigInteger} otherwise.
 */
public enum GgufValueType {
    /** Unsigned 8-bit integer, read as {@link Short}. */
    U8(1, Short.class),
    /** Signed 8-bit integer, read as {@link Byte}. */
    I8(1, Byte.class),
    /** Unsigned 16-bit integer, read as {@link Integer}. */
    U16(2, Integer.class),
    /** Signed 16-bit integer, read as {@link Short}. */
    I16(2, Short.class),
    /** Unsigned 32-bit integer, read as {@link Long}. */
    U32(4, Long.class),
    /** Signed 32-bit integer, read as {@link Integer}. */
    I32(4, Integer.class),
    /** 32-bit float, read as {@link Float}. */
    F32(4, Float.class),
    /** One byte, 0 or 1, read as {@link Boolean}. */
    BOOL(1, Boolean.class),
    /** A length in bytes and that much UTF-8, read as {@link String}. */
    STRING(0, String.class),
    /** An element type, a count and the elements, read as {@link java.util.List}. */
    ARRAY(0, java.util.List.class),
    /** Unsigned 64-bit integer, read as {@link Long} or, from 2^63 on, {@link BigInteger}. */
    U64(8, Number.class),
    /** Signed 64-bit integer, read as {@link Long}. */
    I64(8, Long.class),
    /** 64-bit float, read as {@link Double}. */
    F64(8, Double.class);

    /** Bytes of an array's element type and count. */
    static final int ARRAY_HEADER_BYTES = 12;

    // Made once: a file may have a type for each of millions of arrays.
    private static final List<Optional<GgufValueType>> BY_ID = Arrays.stream(values()).map(Optional::of).toList();

    private final int bytes;
    private final Class<?> javaClass;

    GgufValueType(int bytes, Class<?> javaClass) {
        this.bytes = bytes;
        this.javaClass = javaClass;
    }

    /** The number that stands for this type in a file. */
    public int id() {
        return ordinal();
    }

    /** The class or interface that values of this type are read as. */
    public Class<?> javaClass() {
        return javaClass;
    }

    /** Bytes of the smallest value: a number itself, the length of an empty string, the header of an empty array. */
    int minimumBytes() {
        return switch (this) {
            case STRING -> Long.BYTES;
            case ARRAY -> ARRAY_HEADER_BYTES;
            default -> bytes;
        };
    }

    /** The type with that number, if there is one. */
    public static Optional<GgufValueType> byId(int id) {
        return id >= 0 && id < BY_ID.size() ? BY_ID.get(id) : Optional.empty();
    }

    /** The value of this type, which must be of fixed size, at byte {@code offset}. */
    Object read(MemorySegment segment, long offset) {
        return switch (this) {
            case U8 -> (short) Byte.toUnsignedInt(segment.get(ValueLayout.JAVA_BYTE, offset));
            case I8 -> segment.get(ValueLayout.JAVA_BYTE, offset);
            case U16 -> Short.toUnsignedInt(segment.get(LittleEndian.SHORT, offset));
            case I16 -> segment.get(LittleEndian.SHORT, offset);
            case U32 -> Integer.toUnsignedLong(segment.get(LittleEndian.INT, offset));
            case I32 -> segment.get(LittleEndian.INT, offset);
            case F32 -> segment.get(LittleEndian.FLOAT, offset);
            case BOOL -> segment.get(ValueLayout.JAVA_BYTE, offset) != 0;
            case U64 -> unsigned(segment.get(LittleEndian.LONG, offset));
            case I64 -> segment.get(LittleEndian.LONG, offset);
            case F64 -> segment.get(LittleEndian.DOUBLE, offset);
            case STRING, ARRAY -> throw new IllegalStateException(this + " has no fixed size");
        };
    }

    private static Number unsigned(long bits) {
        return bits >= 0 ? (Number) bits : new BigInteger(Long.toUnsignedString(bits));
    }

    /** The name used in messages, e.g. {@code u32}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
