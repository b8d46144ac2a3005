package io.gemma4j.gguf;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * How a metadata value is written: its type and, of an array, the encoding of its elements.
 *
 * @param type the type of the value
 * @param element of an array; null otherwise
 */
record GgufEncoding(GgufValueType type, GgufEncoding element) {
    /** A scalar, or nested arrays given as {@code ARRAY, ..., element type}. */
    static GgufEncoding of(GgufValueType... types) {
        GgufEncoding encoding = null;
        for (int i = types.length - 1; i >= 0; i--) {
            if (types[i] == GgufValueType.ARRAY == (encoding == null)) {
                throw new IllegalArgumentException("expected array types that end in the type of the elements, found " + List.of(types));
            }
            encoding = new GgufEncoding(types[i], encoding);
        }
        return encoding;
    }

    /** The encoding that keeps a value's Java class; an array takes that of its first element. */
    static GgufEncoding of(String key, Object value) {
        return switch (value) {
            case Byte b -> of(GgufValueType.I8);
            case Short s -> of(GgufValueType.I16);
            case Integer i -> of(GgufValueType.I32);
            case Long l -> of(GgufValueType.I64);
            case BigInteger u -> of(GgufValueType.U64);
            case Float f -> of(GgufValueType.F32);
            case Double d -> of(GgufValueType.F64);
            case Boolean b -> of(GgufValueType.BOOL);
            case String s -> of(GgufValueType.STRING);
            case List<?> list when !list.isEmpty() -> new GgufEncoding(GgufValueType.ARRAY, of(key, list.getFirst()));
            default -> throw refused(key, "a number, a Boolean, a String or a List of one of them that is not empty", value);
        };
    }

    /** Refuses a value, or an element of it, that this encoding cannot hold without loss. */
    void require(String key, Object value) {
        switch (type) {
            case STRING -> {
                if (!(value instanceof String text) || !StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
                    throw refused(key, "a String without lone surrogates", value);
                }
            }
            case ARRAY -> {
                if (!(value instanceof List<?> values)) {
                    throw refused(key, "a List", value);
                }
                values.forEach(each -> element.require(key, each));
            }
            case F32, F64, BOOL -> {
                if (!type.javaClass().isInstance(value)) {
                    throw refused(key, "a " + type.javaClass().getSimpleName(), value);
                }
            }
            default -> requireInteger(key, value);
        }
    }

    private void requireInteger(String key, Object value) {
        int bits = type.minimumBytes() * Byte.SIZE;
        boolean unsigned = switch (type) {
            case U8, U16, U32, U64 -> true;
            default -> false;
        };
        boolean fits = switch (value) {
            case Byte n -> fits(BigInteger.valueOf(n), bits, unsigned);
            case Short n -> fits(BigInteger.valueOf(n), bits, unsigned);
            case Integer n -> fits(BigInteger.valueOf(n), bits, unsigned);
            case Long n -> fits(BigInteger.valueOf(n), bits, unsigned);
            case BigInteger n -> fits(n, bits, unsigned);
            case null, default -> false;
        };
        if (!fits) {
            throw refused(key, "an integer in the range of " + type, value);
        }
    }

    private static boolean fits(BigInteger value, int bits, boolean unsigned) {
        return unsigned ? value.signum() >= 0 && value.bitLength() <= bits : value.bitLength() < bits;
    }

    private static IllegalArgumentException refused(String key, String expected, Object found) {
        String described = found == null ? "null" : found.getClass().getSimpleName() + " " + found;
        return new IllegalArgumentException("key '" + key + "': expected " + expected + ", found " + described);
    }
}
