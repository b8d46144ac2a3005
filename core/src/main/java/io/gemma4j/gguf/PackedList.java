package io.gemma4j.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.AbstractList;
import java.util.Objects;
import java.util.RandomAccess;

/**
 * An array of a file's metadata in no more heap memory than it takes in the file: a vocabulary is two Java arrays, not a million objects.
 * Elements are decoded on every {@code get}; elements of nested arrays are lists made anew then. Immutable, thread-safe, independent of the
 * memory it was read from.
 */
abstract sealed class PackedList extends AbstractList<Object> implements RandomAccess {
    private final GgufValueType elementType;
    private final int size;

    private PackedList(GgufValueType elementType, int size) {
        this.elementType = elementType;
        this.size = size;
    }

    /** Packs an array that {@link GgufCursor#skipArray} has checked: element type, count, elements. */
    static PackedList of(MemorySegment array) {
        GgufValueType type = GgufValueType.byId(array.get(LittleEndian.INT, 0)).orElseThrow();
        int count = (int) array.get(LittleEndian.LONG, Integer.BYTES);
        return pack(type, count, array.asSlice(GgufValueType.ARRAY_HEADER_BYTES));
    }

    private static PackedList pack(GgufValueType type, int count, MemorySegment elements) {
        return switch (type) {
            case STRING -> new Strings(count, elements);
            case ARRAY -> new Arrays(count, elements);
            default -> new Scalars(type, count, elements);
        };
    }

    GgufValueType elementType() {
        return elementType;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public Object get(int index) {
        return decode(Objects.checkIndex(index, size));
    }

    abstract Object decode(int index);

    private static final class Scalars extends PackedList {
        private final MemorySegment values;

        Scalars(GgufValueType type, int count, MemorySegment elements) {
            super(type, count);
            values = MemorySegment.ofArray(elements.toArray(ValueLayout.JAVA_BYTE));
        }

        @Override
        Object decode(int index) {
            return elementType().read(values, (long) index * elementType().minimumBytes());
        }
    }

    private static final class Strings extends PackedList {
        private final byte[] text;
        private final int[] ends;

        Strings(int count, MemorySegment elements) {
            super(GgufValueType.STRING, count);
            text = new byte[(int) (elements.byteSize() - (long) count * Long.BYTES)];
            ends = new int[count];
            long at = 0;
            int end = 0;
            for (int i = 0; i < count; i++) {
                int bytes = (int) elements.get(LittleEndian.LONG, at);
                MemorySegment.copy(elements, ValueLayout.JAVA_BYTE, at + Long.BYTES, text, end, bytes);
                at += Long.BYTES + bytes;
                end += bytes;
                ends[i] = end;
            }
        }

        @Override
        Object decode(int index) {
            int start = index == 0 ? 0 : ends[index - 1];
            return new String(text, start, ends[index] - start, StandardCharsets.UTF_8);
        }
    }

    private static final class Arrays extends PackedList {
        private final byte[] typeIds;
        private final int[] counts;
        private final int[] ends;
        private final MemorySegment elementBytes;

        Arrays(int count, MemorySegment arrays) {
            super(GgufValueType.ARRAY, count);
            typeIds = new byte[count];
            counts = new int[count];
            ends = new int[count];
            elementBytes = MemorySegment.ofArray(new byte[(int) (arrays.byteSize() - (long) count * GgufValueType.ARRAY_HEADER_BYTES)]);
            GgufCursor cursor = new GgufCursor("", arrays);
            int end = 0;
            for (int i = 0; i < count; i++) {
                long start = cursor.position();
                cursor.skipArray("");
                int bytes = (int) (cursor.position() - start - GgufValueType.ARRAY_HEADER_BYTES);
                typeIds[i] = arrays.get(ValueLayout.JAVA_BYTE, start);
                counts[i] = (int) arrays.get(LittleEndian.LONG, start + Integer.BYTES);
                MemorySegment.copy(arrays, start + GgufValueType.ARRAY_HEADER_BYTES, elementBytes, end, bytes);
                end += bytes;
                ends[i] = end;
            }
        }

        @Override
        Object decode(int index) {
            int start = index == 0 ? 0 : ends[index - 1];
            GgufValueType type = GgufValueType.byId(typeIds[index]).orElseThrow();
            return pack(type, counts[index], elementBytes.asSlice(start, ends[index] - start));
        }
    }
}
