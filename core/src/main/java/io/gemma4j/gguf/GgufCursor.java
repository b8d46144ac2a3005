package io.gemma4j.gguf;

import io.gemma4j.ModelFormatException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Reads the head of a GGUF file from front to back. Every length is checked against the bytes that are left before anything is allocated for
 * it; each {@code subject} says in messages what is being read. Not thread-safe.
 */
final class GgufCursor {
    /** Limit on a key or name, as the specification has it for keys. */
    static final int MAX_NAME_BYTES = 65_535;
    /** Decoding takes up to seven times a text's bytes for a moment, so their sum is bounded. A chat template has some 20 KB. */
    private static final int MAX_TEXT_BYTES = 2 << 20;
    /** An array is kept in one Java array. */
    private static final int MAX_ARRAY_BYTES = Integer.MAX_VALUE - 8;
    private static final int MAX_ARRAY_DEPTH = 4;
    private static final int MAX_QUOTED_CHARS = 80;

    private final String source;
    private final MemorySegment file;
    private long position;
    private long textBytes;

    GgufCursor(String source, MemorySegment file) {
        this.source = source;
        this.file = file;
    }

    long position() {
        return position;
    }

    int readInt(String subject) {
        return file.get(LittleEndian.INT, take(subject, Integer.BYTES));
    }

    long readLong(String subject) {
        return file.get(LittleEndian.LONG, take(subject, Long.BYTES));
    }

    /** A key or the name of a tensor. */
    String readName(String subject) {
        return readText(subject, MAX_NAME_BYTES);
    }

    /** A value of any type, after its type. */
    Object readValue(String subject) {
        GgufValueType type = readType(subject);
        if (type == GgufValueType.STRING) {
            return readText(subject, MAX_TEXT_BYTES);
        }
        if (type == GgufValueType.ARRAY) {
            long start = position;
            skipArray(subject);
            return PackedList.of(file.asSlice(start, position - start));
        }
        long at = position;
        skipElements(subject, type, 1, 0);
        return type.read(file, at);
    }

    /** Checks an array of whatever nesting and leaves it behind, keeping nothing. */
    void skipArray(String subject) {
        long start = position;
        skipArray(subject, 1);
        if (position - start > MAX_ARRAY_BYTES) {
            throw unexpected(subject, "an array of at most " + MAX_ARRAY_BYTES + " bytes", position - start + " bytes");
        }
    }

    private void skipArray(String subject, int depth) {
        if (depth > MAX_ARRAY_DEPTH) {
            throw unexpected(subject, "arrays nested at most " + MAX_ARRAY_DEPTH + " deep", "a deeper one");
        }
        GgufValueType type = readType(subject);
        long count = readLong(subject);
        if (Long.compareUnsigned(count, left() / type.minimumBytes()) > 0) {
            throw unexpected(subject, "an array of " + Long.toUnsignedString(count) + " " + type, left() + " bytes to the end of the file");
        }
        skipElements(subject, type, count, depth);
    }

    private void skipElements(String subject, GgufValueType type, long count, int depth) {
        switch (type) {
            case STRING -> {
                for (long i = 0; i < count; i++) {
                    takeText(subject);
                }
            }
            case ARRAY -> {
                for (long i = 0; i < count; i++) {
                    skipArray(subject, depth + 1);
                }
            }
            case BOOL -> {
                for (long i = 0, at = take(subject, count); i < count; i++) {
                    byte value = file.get(ValueLayout.JAVA_BYTE, at + i);
                    if (value != 0 && value != 1) {
                        throw unexpected(subject, "a bool of 0 or 1", Integer.toString(Byte.toUnsignedInt(value)));
                    }
                }
            }
            default -> take(subject, count * type.minimumBytes());
        }
    }

    private GgufValueType readType(String subject) {
        int id = readInt(subject);
        Optional<GgufValueType> type = GgufValueType.byId(id);
        if (type.isEmpty()) {
            throw unexpected(subject, "a value type from 0 to 12", Integer.toUnsignedString(id));
        }
        return type.get();
    }

    private String readText(String subject, int maxBytes) {
        long at = takeText(subject);
        long bytes = position - at;
        textBytes += bytes;
        if (bytes > maxBytes) {
            throw unexpected(subject, "a text of at most " + maxBytes + " bytes", bytes + " bytes");
        }
        if (textBytes > MAX_TEXT_BYTES) {
            throw unexpected(subject, "keys, names and texts of at most " + MAX_TEXT_BYTES + " bytes together", textBytes + " bytes");
        }
        return new String(file.asSlice(at, bytes).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
    }

    /** Passes a text and returns where its first byte is; its last byte is the one before the new position. */
    private long takeText(String subject) {
        long at = take(subject, readLong(subject));
        long malformed = Utf8.firstMalformed(file, at, position);
        if (malformed != position) {
            throw unexpected(subject, "UTF-8", "malformed bytes at byte " + malformed + " of the file");
        }
        return at;
    }

    /** Passes {@code bytes}, an unsigned number, and returns where they start. */
    private long take(String subject, long bytes) {
        if (Long.compareUnsigned(bytes, left()) > 0) {
            throw unexpected(subject, Long.toUnsignedString(bytes) + " bytes at byte " + position, left() + " bytes to the end of the file");
        }
        long at = position;
        position += bytes;
        return at;
    }

    private long left() {
        return file.byteSize() - position;
    }

    ModelFormatException unexpected(String subject, String expected, String found) {
        return new ModelFormatException(source, subject, expected, found);
    }

    /** A key's or tensor's name as a subject, cut where a damaged file makes it overlong. */
    static String quote(String kind, String name) {
        return kind + " '" + (name.length() <= MAX_QUOTED_CHARS ? name : name.substring(0, MAX_QUOTED_CHARS) + "...") + "'";
    }
}
