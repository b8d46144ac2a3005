package io.gemma4j.gguf;

import io.gemma4j.ModelFormatException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model in the GGUF format, versions 2 and 3, in one file or split over several, mapped into memory and checked from front to back: metadata
 * and the place, type and shape of every tensor. The weights themselves are read when they are used.
 *
 * <pre>{@code
 * try (Arena arena = Arena.ofShared()) {
 *     GgufFile file = GgufFile.open(Path.of("gemma-4-31B-it-Q4_K_M.gguf"), arena);
 *     int layers = file.metadata().integer("gemma4.block_count");
 *     MemorySegment norm = file.tensor("output_norm.weight").orElseThrow().bytes();
 * }
 * }</pre>
 *
 * <p>Immutable and thread-safe. The tensors' memory belongs to the arena the file was opened with and is gone when that closes; metadata stays.
 */
public final class GgufFile {
    private final List<Path> files;
    private final List<MemorySegment> segments;
    private final int version;
    private final long bytes;
    private final GgufMetadata metadata;
    private final Map<String, GgufTensor> tensorsByName;
    private final List<GgufTensor> tensors;

    private GgufFile(List<Path> files, List<MemorySegment> segments, List<GgufReader.Contents> parts) {
        this.files = List.copyOf(files);
        this.segments = List.copyOf(segments);
        this.version = parts.getFirst().version();
        this.bytes = segments.stream().mapToLong(MemorySegment::byteSize).sum();
        this.metadata = parts.getFirst().metadata();
        this.tensorsByName = new LinkedHashMap<>();
        for (GgufReader.Contents part : parts) {
            for (GgufTensor tensor : part.tensors()) {
                if (tensorsByName.putIfAbsent(tensor.name(), tensor) != null) {
                    throw new ModelFormatException(part.metadata().source(), GgufCursor.quote("tensor", tensor.name()),
                            "a name that occurs once in all files", "it again");
                }
            }
        }
        this.tensors = List.copyOf(tensorsByName.values());
    }

    /**
     * Maps and checks a file. Of a split model ({@code name-00001-of-00003.gguf}) any file may be given; all are mapped, and the metadata is
     * that of the first.
     *
     * @param path the file
     * @param arena what the mapping lives in; a shared one if several threads are to read the weights. Where this method throws, files
     *     mapped so far stay mapped until the arena closes
     * @return the file
     * @throws NoSuchFileException if the file or another one of the split model is not there
     * @throws IOException if a file cannot be read or is a directory
     * @throws ModelFormatException if the content is damaged or foreign, naming file, key or tensor
     */
    public static GgufFile open(Path path, Arena arena) throws IOException {
        requireFile(path);
        Optional<SplitName> split = SplitName.of(path);
        List<Path> files = new ArrayList<>();
        for (int number = 1; number <= split.map(SplitName::count).orElse(1); number++) {
            files.add(split.isPresent() ? split.get().sibling(number) : path);
        }
        List<GgufReader.Contents> parts = new ArrayList<>();
        List<MemorySegment> segments = new ArrayList<>();
        for (Path file : files) {
            segments.add(map(file, arena));
            parts.add(readPart(file.toString(), segments.getLast(), files.size(), parts.size()));
        }
        requireAllTensors(parts);
        return new GgufFile(files, segments, parts);
    }

    /**
     * Checks a file that is in memory already.
     *
     * @param source names it in messages
     * @param bytes the whole file, which the tensors' memory will be part of
     * @return the file, with no {@linkplain #files() files}
     * @throws ModelFormatException if the content is damaged or foreign, or one file of a split model
     */
    public static GgufFile parse(String source, MemorySegment bytes) {
        List<GgufReader.Contents> parts = List.of(readPart(source, bytes, 1, 0));
        requireAllTensors(parts);
        return new GgufFile(List.of(), List.of(bytes), parts);
    }

    /**
     * The file, the first one of a split model.
     *
     * @throws IllegalStateException if it was {@linkplain #parse parsed} from memory
     */
    public Path path() {
        if (files.isEmpty()) {
            throw new IllegalStateException(metadata.source() + " was parsed from memory and has no path");
        }
        return files.getFirst();
    }

    /** All files of the model, in their order; none if it was {@linkplain #parse parsed} from memory. */
    public List<Path> files() {
        return files;
    }

    /** The memory that each file is mapped to, in their order; if it was {@linkplain #parse parsed} from memory, that. */
    public List<MemorySegment> segments() {
        return segments;
    }

    /** The version of the format: 2 or 3. */
    public int version() {
        return version;
    }

    /** The size of all files together. */
    public long bytes() {
        return bytes;
    }

    /** The key/value pairs, of a split model those of the first file. */
    public GgufMetadata metadata() {
        return metadata;
    }

    /** All tensors, in the order of the file or files. */
    public List<GgufTensor> tensors() {
        return tensors;
    }

    /** The tensor with that name, if there is one. */
    public Optional<GgufTensor> tensor(String name) {
        return Optional.ofNullable(tensorsByName.get(name));
    }

    private static MemorySegment map(Path path, Arena arena) throws IOException {
        requireFile(path);
        try (FileChannel channel = FileChannel.open(path)) {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
        }
    }

    private static void requireFile(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            throw new FileSystemException(path.toString(), null, "is a directory, expected a GGUF file");
        }
        if (Files.notExists(path)) {
            throw new NoSuchFileException(path.toString());
        }
        if (Files.exists(path) && !Files.isRegularFile(path)) { // a pipe would be waited for
            throw new FileSystemException(path.toString(), null, "is a device or pipe, expected a GGUF file");
        }
    }

    /** Reads the file that the name, which is all there is to go by before, makes number {@code index} of {@code count}. */
    private static GgufReader.Contents readPart(String source, MemorySegment bytes, int count, int index) {
        GgufReader.Contents part = GgufReader.read(source, bytes);
        requireSplitValue(part.metadata(), SplitName.COUNT_KEY, count, count);
        requireSplitValue(part.metadata(), SplitName.NUMBER_KEY, count, index);
        return part;
    }

    private static void requireSplitValue(GgufMetadata metadata, String key, int count, int expected) {
        Optional<Integer> found = metadata.findInteger(key);
        // A file that is whole need not say so.
        if (count == 1 && found.isEmpty()) {
            return;
        }
        if (found.isEmpty() || found.get() != expected) {
            String reason = count == 1 ? " in a file whose name does not end in -00001-of-00002.gguf or the like" : ", as the file's name has it";
            throw metadata.unexpected(key, expected + reason, found.map(Object::toString).orElse("nothing"));
        }
    }

    private static void requireAllTensors(List<GgufReader.Contents> parts) {
        long found = parts.stream().mapToLong(part -> part.tensors().size()).sum();
        GgufMetadata metadata = parts.getFirst().metadata();
        Optional<Integer> stated = metadata.findInteger(SplitName.TENSORS_KEY);
        if (stated.isPresent() && stated.get() != found) {
            throw metadata.unexpected(SplitName.TENSORS_KEY, found + ", the tensors in all files", stated.get());
        }
    }
}
