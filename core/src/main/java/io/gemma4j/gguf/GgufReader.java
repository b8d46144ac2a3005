package io.gemma4j.gguf;

import io.gemma4j.ModelFormatException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Parses one GGUF file of version 2 or 3, little-endian: header, key/value pairs, tensor directory, data section
 * (<a href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">specification</a>). Everything that is wrong with the content is a
 * {@link ModelFormatException}. Metadata arrays take no more heap than room in the file; beside them there are some hundred bytes for each
 * pair and tensor and the keys, names and scalar texts, all of which are bounded in number and size.
 */
final class GgufReader {
    static final int MAGIC = 0x46554747;
    static final String ALIGNMENT_KEY = "general.alignment";
    static final int DEFAULT_ALIGNMENT_BYTES = 32;

    private static final int HEADER_BYTES = 24;
    private static final int OLDEST_VERSION = 2;
    private static final int NEWEST_VERSION = 3;
    /** Each pair and tensor takes some hundred bytes of heap; real files have fewer than 100 and, with unfused experts, 20 000 of them. */
    private static final int MAX_PAIRS = 4_096;
    private static final int MAX_TENSORS = 65_536;

    private final String source;
    private final MemorySegment file;
    private final GgufCursor cursor;

    /** What one file holds. */
    record Contents(int version, GgufMetadata metadata, List<GgufTensor> tensors) {}

    private record Entry(String name, GgmlType type, List<Long> dimensions, long bytes, long offset) {}

    private GgufReader(String source, MemorySegment file) {
        this.source = source;
        this.file = file;
        this.cursor = new GgufCursor(source, file);
    }

    static Contents read(String source, MemorySegment file) {
        return new GgufReader(source, file).read();
    }

    /** Whether a file can be written in that version. */
    static boolean supportsVersion(int version) {
        return version >= OLDEST_VERSION && version <= NEWEST_VERSION;
    }

    /** Whether tensors can be aligned to that many bytes. */
    static boolean supportsAlignment(int bytes) {
        return bytes >= 8 && Integer.bitCount(bytes) == 1;
    }

    private Contents read() {
        if (file.byteSize() < HEADER_BYTES) {
            throw unexpected("header", HEADER_BYTES + " bytes or more", file.byteSize() + " bytes");
        }
        int magic = cursor.readInt("magic");
        if (magic != MAGIC) {
            throw unexpected("magic", "0x%08x ('GGUF')".formatted(MAGIC), "0x%08x".formatted(magic));
        }
        int version = readVersion();
        int tensorCount = readCount("tensor count", MAX_TENSORS);
        int pairCount = readCount("key/value count", MAX_PAIRS);
        GgufMetadata metadata = readMetadata(pairCount);
        List<Entry> directory = readDirectory(tensorCount);
        return new Contents(version, metadata, locate(directory, readAlignment(metadata)));
    }

    private int readVersion() {
        int version = cursor.readInt("version");
        if (supportsVersion(Integer.reverseBytes(version))) {
            throw unexpected("version", "a little-endian file", "a big-endian file of version " + Integer.reverseBytes(version));
        }
        if (!supportsVersion(version)) {
            throw unexpected("version", OLDEST_VERSION + " or " + NEWEST_VERSION, Integer.toUnsignedString(version));
        }
        return version;
    }

    private int readCount(String subject, int most) {
        long count = cursor.readLong(subject);
        if (count < 0 || count > most) {
            throw unexpected(subject, "at most " + most, Long.toUnsignedString(count));
        }
        return (int) count;
    }

    private GgufMetadata readMetadata(int pairCount) {
        Map<String, Object> values = new LinkedHashMap<>();
        Map<String, GgufEncoding> encodings = new HashMap<>();
        for (int i = 0; i < pairCount; i++) {
            String key = cursor.readName("key " + i);
            String subject = GgufCursor.quote("key", key);
            long at = cursor.position();
            if (values.putIfAbsent(key, cursor.readValue(subject)) != null) {
                throw unexpected(subject, "a key that occurs once", "it again as key " + i);
            }
            encodings.put(key, encoding(at));
        }
        return new GgufMetadata(source, values, encodings);
    }

    /** That of the value whose type stands at {@code at}, all of which has been checked. */
    private GgufEncoding encoding(long at) {
        GgufValueType type = typeAt(at);
        return new GgufEncoding(type, type == GgufValueType.ARRAY ? elementEncoding(at + Integer.BYTES) : null);
    }

    /** That of an array's elements, whose type stands at {@code at}; of arrays within, the first one speaks for all. */
    private GgufEncoding elementEncoding(long at) {
        GgufValueType type = typeAt(at);
        boolean nested = type == GgufValueType.ARRAY && file.get(LittleEndian.LONG, at + Integer.BYTES) > 0;
        return new GgufEncoding(type, nested ? elementEncoding(at + GgufValueType.ARRAY_HEADER_BYTES) : null);
    }

    private GgufValueType typeAt(long at) {
        return GgufValueType.byId(file.get(LittleEndian.INT, at)).orElseThrow();
    }

    private int readAlignment(GgufMetadata metadata) {
        int alignment = metadata.findInteger(ALIGNMENT_KEY).orElse(DEFAULT_ALIGNMENT_BYTES);
        if (!supportsAlignment(alignment)) {
            throw metadata.unexpected(ALIGNMENT_KEY, "a power of two that is a multiple of 8", alignment);
        }
        return alignment;
    }

    private List<Entry> readDirectory(int tensorCount) {
        List<Entry> directory = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (int i = 0; i < tensorCount; i++) {
            String name = cursor.readName("name of tensor " + i);
            String subject = GgufCursor.quote("tensor", name);
            if (!names.add(name)) {
                throw unexpected(subject, "a name that occurs once", "it again as tensor " + i);
            }
            directory.add(readEntry(name, subject));
        }
        return directory;
    }

    private Entry readEntry(String name, String subject) {
        int dimensionCount = cursor.readInt(subject);
        if (dimensionCount < 1 || dimensionCount > GgufTensor.MAX_DIMENSIONS) {
            throw unexpected(subject, "1 to " + GgufTensor.MAX_DIMENSIONS + " dimensions", Integer.toUnsignedString(dimensionCount));
        }
        Long[] dimensions = new Long[dimensionCount];
        for (int d = 0; d < dimensionCount; d++) {
            dimensions[d] = cursor.readLong(subject);
        }
        int typeId = cursor.readInt(subject);
        GgmlType type = GgmlType.byId(typeId).orElseThrow(() -> unexpected(subject, "a known ggml type", "type id " + Integer.toUnsignedString(typeId)));
        List<Long> sizes = List.of(dimensions);
        long bytes;
        try {
            bytes = GgufTensor.byteSize(name, type, sizes);
        } catch (IllegalArgumentException refused) {
            throw unexpected(subject, GgufTensor.dimensionRule(type), sizes.toString());
        }
        return new Entry(name, type, sizes, bytes, cursor.readLong(subject));
    }

    private List<GgufTensor> locate(List<Entry> directory, int alignment) {
        long dataStart = cursor.position() + alignment - 1 & -alignment;
        long dataBytes = Math.max(0, file.byteSize() - dataStart);
        List<GgufTensor> tensors = new ArrayList<>(directory.size());
        for (Entry entry : directory) {
            String subject = GgufCursor.quote("tensor", entry.name());
            if (entry.offset() % alignment != 0) {
                throw unexpected(subject, "an offset that is a multiple of " + alignment, Long.toUnsignedString(entry.offset()));
            }
            if (entry.offset() < 0 || entry.offset() > dataBytes - entry.bytes()) {
                throw unexpected(subject, entry.bytes() + " bytes at offset " + Long.toUnsignedString(entry.offset()) + " of the data",
                        "data of " + dataBytes + " bytes");
            }
            tensors.add(new GgufTensor(entry.name(), entry.type(), entry.dimensions(), file.asSlice(dataStart + entry.offset(), entry.bytes())));
        }
        refuseOverlap(directory);
        return List.copyOf(tensors);
    }

    // No writer shares data between tensors; where they overlap, a type or an offset is damaged.
    private void refuseOverlap(List<Entry> directory) {
        List<Entry> ascending = new ArrayList<>(directory);
        ascending.sort(Comparator.comparingLong(Entry::offset));
        for (int i = 1; i < ascending.size(); i++) {
            Entry before = ascending.get(i - 1);
            Entry entry = ascending.get(i);
            if (entry.offset() < before.offset() + before.bytes()) {
                throw unexpected(GgufCursor.quote("tensor", entry.name()), "data of its own from offset " + entry.offset(),
                        "data of " + GgufCursor.quote("tensor", before.name()) + " up to offset " + (before.offset() + before.bytes()));
            }
        }
    }

    private ModelFormatException unexpected(String subject, String expected, String found) {
        return new ModelFormatException(source, subject, expected, found);
    }
}
