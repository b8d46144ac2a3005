package io.gemma4j.gguf;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.LongStream;

/**
 * Builds a GGUF file, or several that make up one model. Values and tensor memory are kept by reference and read when the file is written, so
 * they must not change until then; a tensor can also be produced while it is written, and no more than a small buffer is held of it.
 *
 * <pre>{@code
 * new GgufWriter()
 *         .put("general.architecture", "gemma4")
 *         .put("gemma4.block_count", GgufValueType.U32, 30)
 *         .tensor("output_norm.weight", GgmlType.F32, new long[] {256}, weights)
 *         .write(Path.of("model.gguf"));
 * }</pre>
 *
 * <p>Methods throw {@link IllegalArgumentException}, naming key or tensor, for what no file can hold. Not thread-safe; can write more than once.
 */
public final class GgufWriter {
    private static final int CHUNK_BYTES = 1 << 16;
    private static final int MAX_FILES = 65_535;

    private final Map<String, Value> values = new LinkedHashMap<>();
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private int version = 3;
    private int alignment = GgufReader.DEFAULT_ALIGNMENT_BYTES;
    private long maxFileBytes = Long.MAX_VALUE;

    /** Produces the data of one tensor. */
    @FunctionalInterface
    public interface TensorContent {
        /**
         * Writes exactly the tensor's bytes, in as many pieces as it likes. Is called once in every {@link GgufWriter#write}.
         *
         * @param channel takes the bytes; need not be closed
         * @throws IOException if it cannot produce or write them
         */
        void writeTo(WritableByteChannel channel) throws IOException;
    }

    private record Value(GgufEncoding encoding, Object value) {}

    private record Tensor(String name, GgmlType type, List<Long> dimensions, long bytes, TensorContent content) {}

    /** What goes into one file. */
    private record Part(Map<String, Value> values, List<Tensor> tensors) {}

    /** Creates a writer of version 3 with the usual alignment of 32 bytes. */
    public GgufWriter() {}

    /** The version to write: 2 or 3. */
    public GgufWriter version(int number) {
        if (!GgufReader.supportsVersion(number)) {
            throw new IllegalArgumentException("version: expected 2 or 3, found " + number);
        }
        version = number;
        return this;
    }

    /** Where a tensor's data may start: at multiples of {@code bytes}, a power of two and multiple of 8. Sets {@code general.alignment}. */
    public GgufWriter alignment(int bytes) {
        if (!GgufReader.supportsAlignment(bytes)) {
            throw new IllegalArgumentException("alignment: expected a power of two that is a multiple of 8, found " + bytes);
        }
        alignment = bytes;
        return put(GgufReader.ALIGNMENT_KEY, new GgufEncoding(GgufValueType.U32, null), bytes);
    }

    /**
     * The most bytes of one file. What needs more is split into {@code name-00001-of-00002.gguf} and so on, metadata in the first, each tensor
     * whole in one.
     */
    public GgufWriter maxFileBytes(long bytes) {
        if (bytes < 1) {
            throw new IllegalArgumentException("maxFileBytes: expected at least 1, found " + bytes);
        }
        maxFileBytes = bytes;
        return this;
    }

    /**
     * A pair, or the new value of a key, in the type of the value's class: {@link Byte} to {@link Long} as i8 to i64,
     * {@link java.math.BigInteger} as u64, {@link Float}, {@link Double}, {@link Boolean}, {@link String}, or a {@link List} with a first
     * element of these.
     */
    public GgufWriter put(String key, Object value) {
        return put(key, GgufEncoding.of(key, value), value);
    }

    /** A pair, or the new value of a key. Any integer class does for an integer type that has its value. */
    public GgufWriter put(String key, GgufValueType type, Object value) {
        return put(key, GgufEncoding.of(type), value);
    }

    /** A pair whose value is an array. The types are that of the elements or, of nested arrays, {@code ARRAY} for each level and that of the innermost. */
    public GgufWriter putArray(String key, List<?> elements, GgufValueType... elementTypes) {
        return put(key, new GgufEncoding(GgufValueType.ARRAY, GgufEncoding.of(elementTypes)), elements);
    }

    /**
     * All pairs of a file, each in the type it has there, but not those that say how the file is split. The alignment becomes that of the file.
     */
    public GgufWriter putAll(GgufMetadata metadata) {
        metadata.findInteger(GgufReader.ALIGNMENT_KEY).ifPresent(this::alignment);
        for (Map.Entry<String, Object> pair : metadata.asMap().entrySet()) {
            if (!pair.getKey().equals(GgufReader.ALIGNMENT_KEY) && !SplitName.KEYS.contains(pair.getKey())) {
                put(pair.getKey(), metadata.encoding(pair.getKey()), pair.getValue());
            }
        }
        return this;
    }

    private GgufWriter put(String key, GgufEncoding encoding, Object value) {
        requireName("key", key);
        encoding.require(key, value);
        if (key.equals(GgufReader.ALIGNMENT_KEY) && !value.equals(alignment)) {
            throw new IllegalArgumentException("key '" + key + "': set it with alignment()");
        }
        values.put(key, new Value(encoding, value));
        return this;
    }

    /** A tensor from memory, dimensions in ggml's order: innermost first. */
    public GgufWriter tensor(String name, GgmlType type, long[] dimensions, MemorySegment bytes) {
        GgufTensor tensor = new GgufTensor(name, type, LongStream.of(dimensions).boxed().toList(), bytes);
        return tensor(name, type, dimensions, channel -> copy(tensor.bytes(), channel));
    }

    /** A tensor whose data is produced when the file is written, dimensions in ggml's order: innermost first. */
    public GgufWriter tensor(String name, GgmlType type, long[] dimensions, TensorContent content) {
        requireName("tensor", name);
        List<Long> sizes = LongStream.of(dimensions).boxed().toList();
        Tensor tensor = new Tensor(name, type, sizes, GgufTensor.byteSize(name, type, sizes), content);
        if (tensors.putIfAbsent(name, tensor) != null) {
            throw new IllegalArgumentException("tensor '" + name + "': expected a name used once, found it again");
        }
        return this;
    }

    private static void requireName(String kind, String name) {
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(name) || name.getBytes(StandardCharsets.UTF_8).length > GgufCursor.MAX_NAME_BYTES) {
            throw new IllegalArgumentException(GgufCursor.quote(kind, name) + ": expected a name of at most " + GgufCursor.MAX_NAME_BYTES
                    + " bytes without lone surrogates, found one of " + name.length() + " chars");
        }
    }

    /**
     * Writes the file or files under temporary names beside the path and moves them into place at the end, over what was there. Where it
     * throws, no new file is left.
     *
     * @param path the file; of a split model, the names are made from this one
     * @return what was written, in order
     * @throws IOException if a file cannot be written
     * @throws IllegalStateException if a tensor's content is not of the tensor's size
     * @throws IllegalArgumentException if a tensor or the metadata alone exceeds {@link #maxFileBytes}
     */
    public List<Path> write(Path path) throws IOException {
        List<Part> parts = parts();
        List<Path> targets = targets(path, parts.size());
        for (Path target : targets) {
            requireReplaceable(target);
        }
        List<Path> written = new ArrayList<>();
        boolean complete = false;
        try {
            for (int i = 0; i < parts.size(); i++) {
                Path temporary = targets.get(i).resolveSibling(targets.get(i).getFileName() + "." + UUID.randomUUID() + ".part");
                try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
                    written.add(temporary);
                    write(parts.get(i), channel);
                } catch (ClosedChannelException | FileSystemException e) {
                    throw e;
                } catch (IOException e) { // which does not say what was written: a full disk, for one
                    throw (IOException) new FileSystemException(targets.get(i).toString(), null, e.getMessage()).initCause(e);
                }
            }
            for (int i = 0; i < parts.size(); i++) {
                Files.move(written.get(i), targets.get(i), StandardCopyOption.ATOMIC_MOVE);
                written.set(i, targets.get(i));
            }
            complete = true;
        } finally {
            if (!complete) {
                for (Path file : written) {
                    Files.deleteIfExists(file);
                }
            }
        }
        return targets;
    }

    // Before anything is computed. A device in the place of a file would be replaced by one.
    private static void requireReplaceable(Path target) throws IOException {
        Path folder = target.toAbsolutePath().getParent();
        if (folder == null || Files.isDirectory(target)) {
            throw new FileSystemException(target.toString(), null, "is a directory, expected a file to write to");
        }
        if (!Files.isDirectory(folder)) {
            throw new NoSuchFileException(target.toString(), null, "there is no directory " + folder);
        }
        if (Files.exists(target) && !Files.isRegularFile(target)) {
            throw new FileSystemException(target.toString(), null, "is a device or pipe, expected a file to write to");
        }
    }

    private static List<Path> targets(Path path, int count) {
        if (count == 1) {
            return List.of(path);
        }
        String name = path.getFileName().toString();
        String prefix = name.endsWith(".gguf") ? name.substring(0, name.length() - ".gguf".length()) : name;
        List<Path> targets = new ArrayList<>();
        for (int number = 1; number <= count; number++) {
            targets.add(new SplitName(path.resolveSibling(prefix), number, count).sibling(number));
        }
        return targets;
    }

    private List<Part> parts() throws IOException {
        Part whole = new Part(values, List.copyOf(tensors.values()));
        if (maxFileBytes == Long.MAX_VALUE || fileBytes(whole) <= maxFileBytes) {
            return List.of(whole);
        }
        List<List<Tensor>> groups = groups();
        if (groups.size() > MAX_FILES) {
            throw new IllegalArgumentException("maxFileBytes " + maxFileBytes + ": expected at most " + MAX_FILES + " files, found " + groups.size());
        }
        List<Part> parts = new ArrayList<>();
        for (List<Tensor> group : groups) {
            parts.add(new Part(splitValues(parts.size(), groups.size()), group));
        }
        return parts;
    }

    /** Fills one file after the other; the first may have room for no tensor beside the metadata. */
    private List<List<Tensor>> groups() throws IOException {
        List<List<Tensor>> groups = new ArrayList<>(List.of(new ArrayList<>()));
        long emptyBytes = fileBytes(new Part(splitValues(1, 2), List.of()));
        long pairlessBytes = fileBytes(new Part(Map.of(), List.of()));
        long bytes = fileBytes(new Part(splitValues(0, 2), List.of()));
        if (bytes > maxFileBytes) {
            throw new IllegalArgumentException("maxFileBytes " + maxFileBytes + ": the metadata alone needs " + bytes);
        }
        for (Tensor tensor : tensors.values()) {
            // Padding of the directory is counted for each tensor: an upper bound.
            long added = fileBytes(new Part(Map.of(), List.of(tensor))) - pairlessBytes + alignment;
            if (added > maxFileBytes - bytes) {
                groups.add(new ArrayList<>());
                bytes = emptyBytes;
            }
            if (added > maxFileBytes - bytes) {
                throw new IllegalArgumentException("maxFileBytes " + maxFileBytes + ": tensor '" + tensor.name() + "' alone needs up to " + (bytes + added));
            }
            groups.getLast().add(tensor);
            bytes += added;
        }
        return groups;
    }

    private Map<String, Value> splitValues(int index, int count) {
        Map<String, Value> split = new LinkedHashMap<>();
        if (index == 0) {
            split.putAll(values);
        } else if (values.containsKey(GgufReader.ALIGNMENT_KEY)) {
            split.put(GgufReader.ALIGNMENT_KEY, values.get(GgufReader.ALIGNMENT_KEY));
        }
        split.put(SplitName.NUMBER_KEY, new Value(GgufEncoding.of(GgufValueType.U16), index));
        split.put(SplitName.COUNT_KEY, new Value(GgufEncoding.of(GgufValueType.U16), count));
        split.put(SplitName.TENSORS_KEY, new Value(GgufEncoding.of(GgufValueType.I32), tensors.size()));
        return split;
    }

    private long fileBytes(Part part) throws IOException {
        GgufSink counter = new GgufSink(Channels.newChannel(OutputStream.nullOutputStream()));
        writeHead(part, counter);
        long bytes = counter.position();
        for (Tensor tensor : part.tensors()) {
            bytes = Math.addExact(bytes, aligned(tensor.bytes()));
        }
        return bytes;
    }

    private void write(Part part, WritableByteChannel channel) throws IOException {
        GgufSink sink = new GgufSink(channel);
        writeHead(part, sink);
        for (Tensor tensor : part.tensors()) {
            sink.putContent(tensor.name(), tensor.content(), tensor.bytes());
            sink.pad(alignment);
        }
        sink.flush();
    }

    private void writeHead(Part part, GgufSink sink) throws IOException {
        sink.putInt(GgufReader.MAGIC);
        sink.putInt(version);
        sink.putLong(part.tensors().size());
        sink.putLong(part.values().size());
        for (Map.Entry<String, Value> pair : part.values().entrySet()) {
            sink.putString(pair.getKey());
            sink.putValue(pair.getValue().encoding(), pair.getValue().value());
        }
        long offset = 0;
        for (Tensor tensor : part.tensors()) {
            sink.putString(tensor.name());
            sink.putInt(tensor.dimensions().size());
            for (long dimension : tensor.dimensions()) {
                sink.putLong(dimension);
            }
            sink.putInt(tensor.type().id());
            sink.putLong(offset);
            offset = Math.addExact(offset, aligned(tensor.bytes()));
        }
        sink.pad(alignment);
    }

    private long aligned(long bytes) {
        return Math.addExact(bytes, alignment - 1) & -alignment;
    }

    private static void copy(MemorySegment bytes, WritableByteChannel channel) throws IOException {
        byte[] chunk = new byte[(int) Math.min(CHUNK_BYTES, bytes.byteSize())];
        for (long at = 0; at < bytes.byteSize(); at += chunk.length) {
            int count = (int) Math.min(chunk.length, bytes.byteSize() - at);
            MemorySegment.copy(bytes, at, MemorySegment.ofArray(chunk), 0, count);
            ByteBuffer buffer = ByteBuffer.wrap(chunk, 0, count);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        }
    }
}
