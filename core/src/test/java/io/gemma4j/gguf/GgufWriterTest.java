package io.gemma4j.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class GgufWriterTest {
    @TempDir
    Path folder;

    @Test
    void aFailedWriteLeavesWhatWasThere() throws IOException {
        Path path = folder.resolve("model.gguf");
        new GgufWriter().put("general.name", "old").write(path);
        byte[] old = Files.readAllBytes(path);

        GgufWriter failing = new GgufWriter().tensor("w", GgmlType.I8, new long[] {10}, channel -> {
            channel.write(ByteBuffer.allocate(5));
            throw new IOException("disk full");
        });
        assertEquals(path + ": disk full", assertThrows(IOException.class, () -> failing.write(path)).getMessage());
        assertEquals(-1, Arrays.mismatch(old, Files.readAllBytes(path)));
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of(path), files.toList());
        }
    }

    @Test
    void aFailedSplitWriteLeavesNothing() throws IOException {
        GgufWriter writer = new GgufWriter().maxFileBytes(1500).tensor("a", GgmlType.I8, new long[] {1000}, MemorySegment.ofArray(new byte[1000]))
                .tensor("b", GgmlType.I8, new long[] {1000}, channel -> {
                    throw new IllegalStateException("no data");
                });
        assertThrows(IllegalStateException.class, () -> writer.write(folder.resolve("m.gguf")));

        // A folder in the place of the second file makes the last step fail, after the first file has its name.
        Files.createDirectories(folder.resolve("n-00002-of-00002.gguf").resolve("inside"));
        GgufWriter blocked = new GgufWriter().maxFileBytes(1500).tensor("a", GgmlType.I8, new long[] {1000}, MemorySegment.ofArray(new byte[1000]))
                .tensor("b", GgmlType.I8, new long[] {1000}, MemorySegment.ofArray(new byte[1000]));
        assertThrows(IOException.class, () -> blocked.write(folder.resolve("n.gguf")));
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of(folder.resolve("n-00002-of-00002.gguf")), files.toList());
        }
    }

    @Test
    void whatIsNoFileIsNotReplaced() throws IOException {
        Path directory = Files.createDirectory(folder.resolve("directory"));
        IOException failure = assertThrows(IOException.class, () -> new GgufWriter().write(directory));
        assertEquals(directory + ": is a directory, expected a file to write to", failure.getMessage());
    }

    @Test
    void aFolderThatIsNotThereIsAnIoException() {
        assertThrows(NoSuchFileException.class, () -> new GgufWriter().write(folder.resolve("missing").resolve("m.gguf")));
    }

    @Test
    void contentOfAnotherSizeIsRefused() {
        requireContentRefused(9, "tensor 'w': expected 10 bytes of content, found 9");
        requireContentRefused(11, "tensor 'w': expected 10 bytes of content, found more");
    }

    private void requireContentRefused(int bytes, String message) {
        GgufWriter writer = new GgufWriter().tensor("w", GgmlType.I8, new long[] {10}, channel -> channel.write(ByteBuffer.allocate(bytes)));
        assertEquals(message, assertThrows(IllegalStateException.class, () -> writer.write(folder.resolve("m.gguf"))).getMessage());
    }

    @Test
    void contentLargerThanTheBuffersIsWrittenWhole() throws IOException {
        float[] values = new float[200_003];
        for (int i = 0; i < values.length; i++) {
            values[i] = i;
        }
        MemorySegment bytes = MemorySegment.ofArray(values);
        Path path = folder.resolve("large.gguf");
        new GgufWriter().put("text", "é".repeat(150_001)).tensor("memory", GgmlType.F32, new long[] {values.length}, bytes)
                .tensor("pieces", GgmlType.F32, new long[] {values.length}, channel -> {
                    for (float value : values) {
                        channel.write(ByteBuffer.allocate(4).putInt(0, Integer.reverseBytes(Float.floatToRawIntBits(value))));
                    }
                }).write(path);
        try (Arena arena = Arena.ofConfined()) {
            GgufFile file = GgufFile.open(path, arena);
            assertEquals(-1, file.tensor("memory").orElseThrow().bytes().mismatch(bytes));
            assertEquals(-1, file.tensor("pieces").orElseThrow().bytes().mismatch(bytes));
            assertEquals("é".repeat(150_001), file.metadata().string("text"));
        }
    }

    @Test
    void aKeyPutAgainHasTheNewValue() throws IOException {
        new GgufWriter().put("k", 1).put("k", "two").write(folder.resolve("m.gguf"));
        try (Arena arena = Arena.ofConfined()) {
            assertEquals("two", GgufFile.open(folder.resolve("m.gguf"), arena).metadata().string("k"));
        }
    }

    @Test
    void whatNoFileCanHoldIsRefused() {
        GgufWriter writer = new GgufWriter();
        requireRefused(() -> writer.version(1), "version: expected 2 or 3, found 1");
        requireRefused(() -> writer.alignment(24), "alignment: expected a power of two that is a multiple of 8, found 24");
        requireRefused(() -> writer.maxFileBytes(0), "maxFileBytes: expected at least 1, found 0");
        requireRefused(() -> writer.put("general.alignment", GgufValueType.U32, 64), "key 'general.alignment': set it with alignment()");
        requireRefused(() -> writer.put("k", new Object() {
            @Override
            public String toString() {
                return "object";
            }
        }), "key 'k': expected a number, a Boolean, a String or a List of one of them that is not empty, found  object");
        requireRefused(() -> writer.put("\uDC00", 1), "key '\uDC00': expected a name of at most 65535 bytes without lone surrogates, found one of 1 chars");
        requireRefused(() -> writer.tensor("é".repeat(32_768), GgmlType.I8, new long[] {1}, channel -> {}),
                "tensor '" + "é".repeat(80) + "...': expected a name of at most 65535 bytes without lone surrogates, found one of 32768 chars");
        requireRefused(() -> writer.put("k", List.of()), "key 'k': expected a number, a Boolean, a String or a List of one of them that is not empty, found ListN []");
        requireRefused(() -> writer.put("k", List.of(1, "two")), "key 'k': expected an integer in the range of i32, found String two");
        requireRefused(() -> writer.put("k", GgufValueType.U8, 256), "key 'k': expected an integer in the range of u8, found Integer 256");
        requireRefused(() -> writer.put("k", GgufValueType.U64, -1L), "key 'k': expected an integer in the range of u64, found Long -1");
        requireRefused(() -> writer.put("k", GgufValueType.I8, 128), "key 'k': expected an integer in the range of i8, found Integer 128");
        requireRefused(() -> writer.put("k", GgufValueType.F32, 1.0), "key 'k': expected a Float, found Double 1.0");
        requireRefused(() -> writer.put("k", GgufValueType.BOOL, 1), "key 'k': expected a Boolean, found Integer 1");
        requireRefused(() -> writer.put("k", GgufValueType.STRING, "\uD800"), "key 'k': expected a String without lone surrogates, found String \uD800");
        requireRefused(() -> writer.put("k", GgufValueType.ARRAY, List.of()), "expected array types that end in the type of the elements, found [array]");
        requireRefused(() -> writer.putArray("k", List.of(1), GgufValueType.ARRAY, GgufValueType.U8), "key 'k': expected a List, found Integer 1");
        requireRefused(() -> writer.tensor("w", GgmlType.Q4_0, new long[] {33}, MemorySegment.ofArray(new byte[18])),
                "tensor 'w': expected 1 to 4 dimensions of at least 1, the first a multiple of 32 (Q4_0), less than 2^63 elements and bytes, found [33]");
        requireRefused(() -> writer.tensor("w", GgmlType.Q4_0, new long[] {32}, MemorySegment.ofArray(new byte[17])),
                "tensor 'w' of Q4_0 [32] has 18 bytes, not 17");
        writer.tensor("w", GgmlType.I8, new long[] {1}, MemorySegment.ofArray(new byte[1]));
        requireRefused(() -> writer.tensor("w", GgmlType.I8, new long[] {1}, MemorySegment.ofArray(new byte[1])),
                "tensor 'w': expected a name used once, found it again");
    }

    private static void requireRefused(Executable call, String message) {
        assertEquals(message, assertThrows(IllegalArgumentException.class, call).getMessage());
    }

    @Test
    void allPairsOfAFileAreWrittenInTheirTypesButNotItsPlaceInASplitModel() throws IOException {
        Path first = folder.resolve("first.gguf");
        GgufWriter writer = new GgufWriter().version(3).alignment(64).put("u8", GgufValueType.U8, 200).put("u16", GgufValueType.U16, 3)
                .put("u32", GgufValueType.U32, 7).put("i64", 7L).put("u64", GgufValueType.U64, 7L).put("f64", 0.5).put("text", "x").put("flag", true)
                .putArray("empty", List.of(), GgufValueType.U16).putArray("u32s", List.of(1L, 2L), GgufValueType.U32)
                .putArray("nested", List.of(List.of(1), List.of(2, 3)), GgufValueType.ARRAY, GgufValueType.U8)
                .putArray("emptyNested", List.of(), GgufValueType.ARRAY, GgufValueType.U8);
        writer.write(first);
        Path second = folder.resolve("second.gguf");
        try (Arena arena = Arena.ofConfined()) {
            new GgufWriter().putAll(GgufFile.open(first, arena).metadata()).write(second);
        }
        // But for the place of the alignment and what an empty array of arrays would hold, the same bytes.
        try (Arena arena = Arena.ofConfined()) {
            GgufMetadata before = GgufFile.open(first, arena).metadata();
            GgufMetadata after = GgufFile.open(second, arena).metadata();
            assertEquals(before.asMap(), after.asMap());
            for (String key : before.keys()) {
                assertEquals(before.encoding(key), after.encoding(key), key);
            }
            assertEquals(GgufValueType.U32, after.encoding("u32").type());
            assertEquals(GgufValueType.U8, after.encoding("nested").element().element().type());
        }
        Path third = folder.resolve("third.gguf");
        new GgufWriter().put("split.no", GgufValueType.U16, 0).put("split.count", GgufValueType.U16, 1).put("name", "x").write(third);
        try (Arena arena = Arena.ofConfined()) {
            GgufWriter whole = new GgufWriter().putAll(GgufFile.open(third, arena).metadata());
            whole.write(second);
            assertEquals(Set.of("name"), GgufFile.open(second, arena).metadata().keys());
        }
    }
}
