package io.gemma4j.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.ModelFormatException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models in several files. */
class GgufSplitTest {
    @TempDir
    Path folder;

    private final Arena arena = Arena.ofShared();

    @AfterEach
    void unmap() {
        arena.close();
    }

    @Test
    void aSplitModelOpensFromAnyOfItsFiles() throws IOException {
        Random random = new Random(11);
        for (int version = 2; version <= 3; version++) {
            List<GgufTensor> written = new ArrayList<>();
            GgufWriter writer = new GgufWriter().version(version).alignment(64).put("general.name", "split").maxFileBytes(80_000);
            for (int i = 0; i < 300; i++) {
                GgufTensor tensor = GgufRoundTripTest.randomTensor("t" + i, random);
                written.add(tensor);
                writer.tensor(tensor.name(), tensor.type(), tensor.dimensions().stream().mapToLong(Long::longValue).toArray(), tensor.bytes());
            }
            List<Path> files = writer.write(folder.resolve("model-" + version + ".gguf"));
            assertTrue(files.size() >= 3, "expected several files, found " + files);
            assertEquals("model-%d-00001-of-%05d.gguf".formatted(version, files.size()), files.getFirst().getFileName().toString());
            long bytes = 0;
            for (Path file : files) {
                assertTrue(Files.size(file) <= 80_000);
                bytes += Files.size(file);
            }
            for (Path any : files) {
                GgufFile file = GgufFile.open(any, arena);
                assertEquals(files, file.files());
                assertEquals(files.getFirst(), file.path());
                assertEquals(bytes, file.bytes());
                assertEquals(version, file.version());
                assertEquals("split", file.metadata().string("general.name"));
                assertEquals(written.stream().map(GgufTensor::name).toList(), file.tensors().stream().map(GgufTensor::name).toList());
                written.forEach(tensor -> GgufRoundTripTest.requireEqual(tensor, file.tensor(tensor.name()).orElseThrow()));
            }
        }
    }

    @Test
    void metadataLargerThanWhatIsLeftForATensorGetsAFileOfItsOwn() throws IOException {
        List<Path> files = new GgufWriter().put("text", "x".repeat(900)).tensor("w", GgmlType.I8, new long[] {800}, zeros(800)).maxFileBytes(1200)
                .write(folder.resolve("m.gguf"));
        assertEquals(2, files.size());
        assertEquals(1, GgufFile.open(files.getLast(), arena).tensors().size());
    }

    @Test
    void whatFitsIsNotSplit() throws IOException {
        Path path = folder.resolve("whole.gguf");
        assertEquals(List.of(path), new GgufWriter().tensor("w", GgmlType.I8, new long[] {800}, zeros(800)).maxFileBytes(1200).write(path));
        assertEquals(1, GgufFile.open(path, arena).files().size());
    }

    @Test
    void whatCannotBeSplitIsRefused() {
        GgufWriter tensor = new GgufWriter().tensor("w", GgmlType.I8, new long[] {8000}, zeros(8000)).maxFileBytes(5000);
        assertTrue(assertThrows(IllegalArgumentException.class, () -> tensor.write(folder.resolve("m.gguf"))).getMessage()
                .startsWith("maxFileBytes 5000: tensor 'w' alone needs up to "));
        GgufWriter metadata = new GgufWriter().put("text", "x".repeat(900)).maxFileBytes(500);
        assertTrue(assertThrows(IllegalArgumentException.class, () -> metadata.write(folder.resolve("m.gguf"))).getMessage()
                .startsWith("maxFileBytes 500: the metadata alone needs "));
    }

    @Test
    void aMissingFileIsNamed() throws IOException {
        List<Path> files = writeThree();
        Files.delete(files.get(1));
        for (Path file : List.of(files.get(0), files.get(2), files.get(1))) {
            assertEquals(files.get(1).toString(), assertThrows(NoSuchFileException.class, () -> GgufFile.open(file, arena)).getFile());
        }
    }

    @Test
    void filesInTheWrongPlaceAreRefused() throws IOException {
        List<Path> files = writeThree();
        Path aside = folder.resolve("aside.gguf");
        Files.move(files.get(1), aside);
        Files.copy(files.get(2), files.get(1));
        requireRefused(files.get(0), files.get(1) + ": key 'split.no': expected 1, as the file's name has it, found 2");
        requireRefused(aside, aside + ": key 'split.count': expected 1 in a file whose name does not end in -00001-of-00002.gguf or the like, found 3");
        byte[] part = Files.readAllBytes(aside);
        assertEquals("part: key 'split.count': expected 1 in a file whose name does not end in -00001-of-00002.gguf or the like, found 3",
                assertThrows(ModelFormatException.class, () -> GgufFile.parse("part", MemorySegment.ofArray(part))).getMessage());
    }

    @Test
    void aNameThatPromisesMoreFilesThanThereAreIsRefused() throws IOException {
        Path path = folder.resolve("m-00001-of-00002.gguf");
        new GgufWriter().write(path);
        requireRefused(path, path + ": key 'split.count': expected 2, as the file's name has it, found nothing");
    }

    @Test
    void aNumberOutOfRangeIsJustPartOfAName() throws IOException {
        Path path = folder.resolve("m-00005-of-00003.gguf");
        new GgufWriter().put("k", 1).write(path);
        assertEquals(1, GgufFile.open(path, arena).metadata().integer("k"));
    }

    @Test
    void theFilesMustHoldAllTensorsOnce() throws IOException {
        List<Path> files = List.of(folder.resolve("m-00001-of-00002.gguf"), folder.resolve("m-00002-of-00002.gguf"));
        part(0, 3).tensor("a", GgmlType.I8, new long[] {1}, zeros(1)).write(files.get(0));
        part(1, 3).tensor("b", GgmlType.I8, new long[] {1}, zeros(1)).write(files.get(1));
        requireRefused(files.get(1), files.get(0) + ": key 'split.tensors.count': expected 2, the tensors in all files, found 3");
        part(1, 2).tensor("a", GgmlType.I8, new long[] {1}, zeros(1)).write(files.get(1));
        part(0, 2).tensor("a", GgmlType.I8, new long[] {1}, zeros(1)).write(files.get(0));
        requireRefused(files.get(0), files.get(1) + ": tensor 'a': expected a name that occurs once in all files, found it again");
    }

    private static GgufWriter part(int number, int tensors) {
        return new GgufWriter().put("split.no", GgufValueType.U16, number).put("split.count", GgufValueType.U16, 2).put("split.tensors.count", tensors);
    }

    private List<Path> writeThree() throws IOException {
        GgufWriter writer = new GgufWriter().maxFileBytes(1500);
        for (int i = 0; i < 3; i++) {
            writer.tensor("t" + i, GgmlType.I8, new long[] {1000}, zeros(1000));
        }
        List<Path> files = writer.write(folder.resolve("three.gguf"));
        assertEquals(3, files.size());
        return files;
    }

    private static MemorySegment zeros(int bytes) {
        return MemorySegment.ofArray(new byte[bytes]);
    }

    private void requireRefused(Path path, String message) {
        assertEquals(message, assertThrows(ModelFormatException.class, () -> GgufFile.open(path, arena)).getMessage());
    }
}
