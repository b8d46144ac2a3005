package io.gemma4j.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gemma4j.ModelFormatException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Every complaint names the file, the key or tensor, what was expected and what was found. */
class GgufErrorsTest {
    private static final String RULE = "expected 1 to 4 dimensions of at least 1, the first a multiple of %s, less than 2^63 elements and bytes, found ";

    @Test
    void aWrongPathIsAnIoException(@TempDir Path folder) {
        try (Arena arena = Arena.ofConfined()) {
            Path missing = folder.resolve("missing.gguf");
            assertEquals(missing.toString(), assertThrows(NoSuchFileException.class, () -> GgufFile.open(missing, arena)).getMessage());
            assertEquals(folder + ": is a directory, expected a GGUF file", assertThrows(FileSystemException.class, () -> GgufFile.open(folder, arena)).getMessage());
            Path root = folder.getRoot();
            assertEquals(root + ": is a directory, expected a GGUF file", assertThrows(FileSystemException.class, () -> GgufFile.open(root, arena)).getMessage());
        }
    }

    @Test
    void theMessageOfAFileStartsWithItsPath(@TempDir Path folder) throws IOException {
        Path path = folder.resolve("empty.gguf");
        Files.createFile(path);
        try (Arena arena = Arena.ofConfined()) {
            assertEquals(path + ": header: expected 24 bytes or more, found 0 bytes",
                    assertThrows(ModelFormatException.class, () -> GgufFile.open(path, arena)).getMessage());
        }
    }

    @Test
    void foreignFilesAreRefused() {
        refused(new GgufBytes().ascii("<!DOCTYPE html><html></html>"), "magic: expected 0x46554747 ('GGUF'), found 0x4f44213c");
        refused(new GgufBytes().ascii("GGUF").u32(1).u64(0).u64(0), "version: expected 2 or 3, found 1");
        refused(new GgufBytes().ascii("GGUF").u32(4).u64(0).u64(0), "version: expected 2 or 3, found 4");
        refused(new GgufBytes().ascii("GGUF").u32(0x03000000).u64(0).u64(0), "version: expected a little-endian file, found a big-endian file of version 3");
        refused(GgufBytes.head(1L << 40, 0), "tensor count: expected at most 65536, found 1099511627776");
        refused(GgufBytes.head(0, -1), "key/value count: expected at most 4096, found 18446744073709551615");
    }

    @Test
    void damagedPairsAreRefused() {
        refused(GgufBytes.head(0, 1), "key 0: expected 8 bytes at byte 24, found 0 bytes to the end of the file");
        refused(GgufBytes.head(0, 1).u64(-1).u64(0), "key 0: expected 18446744073709551615 bytes at byte 32, found 8 bytes to the end of the file");
        refused(GgufBytes.head(0, 1).u64(70_000).raw(new byte[70_000]), "key 0: expected a text of at most 65535 bytes, found 70000 bytes");
        refused(GgufBytes.head(0, 1).u64(2).raw((byte) 'a', (byte) 0xC3), "key 0: expected UTF-8, found malformed bytes at byte 33 of the file");
        refused(GgufBytes.head(0, 1).key("k", 13), "key 'k': expected a value type from 0 to 12, found 13");
        refused(GgufBytes.head(0, 1).key("k", -1), "key 'k': expected a value type from 0 to 12, found 4294967295");
        refused(GgufBytes.head(0, 1).key("k", 4).number(1, 3), "key 'k': expected 4 bytes at byte 37, found 3 bytes to the end of the file");
        refused(GgufBytes.head(0, 1).key("k", 7).raw((byte) 2), "key 'k': expected a bool of 0 or 1, found 2");
        refused(GgufBytes.head(0, 1).key("k", 8).u64(5).ascii("four"), "key 'k': expected 5 bytes at byte 45, found 4 bytes to the end of the file");
        refused(GgufBytes.head(0, 1).key("k", 8).u64(3).raw((byte) 0xED, (byte) 0xA0, (byte) 0x80), "key 'k': expected UTF-8, found malformed bytes at byte 45 of the file");
        refused(GgufBytes.head(0, 1).key("x".repeat(100), 13), "key '" + "x".repeat(80) + "...': expected a value type from 0 to 12, found 13");
        refused(GgufBytes.head(0, 2).key("k", 0).raw((byte) 1).key("k", 0).raw((byte) 1), "key 'k': expected a key that occurs once, found it again as key 1");
        refused(GgufBytes.head(0, 2).key("a", 8).text("x".repeat(3 << 19)).key("b", 8).text("x".repeat(1 << 20)),
                "key 'b': expected keys, names and texts of at most 2097152 bytes together, found 2621442 bytes");
    }

    @Test
    void damagedArraysAreRefused() {
        refused(GgufBytes.head(0, 1).key("k", 9).u32(13).u64(0), "key 'k': expected a value type from 0 to 12, found 13");
        refused(GgufBytes.head(0, 1).key("k", 9).u32(5).u64(3).u64(0), "key 'k': expected an array of 3 i32, found 8 bytes to the end of the file");
        refused(GgufBytes.head(0, 1).key("k", 9).u32(12).u64(1L << 61).u64(0), "key 'k': expected an array of 2305843009213693952 f64, found 8 bytes to the end of the file");
        refused(GgufBytes.head(0, 1).key("k", 9).u32(0).u64(-1).u64(0), "key 'k': expected an array of 18446744073709551615 u8, found 8 bytes to the end of the file");
        refused(GgufBytes.head(0, 1).key("k", 9).u32(8).u64(2).text("12345678").ascii("1234567"),
                "key 'k': expected 8 bytes at byte 65, found 7 bytes to the end of the file");
        refused(GgufBytes.head(0, 1).key("k", 9).u32(8).u64(1).u64(1).raw((byte) 0xFF), "key 'k': expected UTF-8, found malformed bytes at byte 57 of the file");
        refused(GgufBytes.head(0, 1).key("k", 9).u32(7).u64(2).raw((byte) 1, (byte) 9), "key 'k': expected a bool of 0 or 1, found 9");
        GgufBytes deep = GgufBytes.head(0, 1).key("k", 9);
        for (int i = 0; i < 5000; i++) {
            deep.u32(9).u64(1);
        }
        refused(deep, "key 'k': expected arrays nested at most 4 deep, found a deeper one");
    }

    @Test
    void badAlignmentIsRefused() {
        for (int alignment : new int[] {0, 4, 24, 33}) {
            refused(GgufBytes.head(0, 1).key("general.alignment", 4).u32(alignment),
                    "key 'general.alignment': expected a power of two that is a multiple of 8, found " + alignment);
        }
        refused(GgufBytes.head(0, 1).key("general.alignment", 4).u32(1L << 31), "key 'general.alignment': expected a 32-bit integer, found 2147483648");
        refused(GgufBytes.head(0, 1).key("general.alignment", 10).u64(-1), "key 'general.alignment': expected a 32-bit integer, found 18446744073709551615");
        refused(GgufBytes.head(0, 1).key("general.alignment", 8).text("32"), "key 'general.alignment': expected an integer, found string 32");
    }

    @Test
    void damagedTensorsAreRefused() {
        refused(GgufBytes.head(1, 0), "name of tensor 0: expected 8 bytes at byte 24, found 0 bytes to the end of the file");
        refused(GgufBytes.head(1, 0).text("w").u32(0), "tensor 'w': expected 1 to 4 dimensions, found 0");
        refused(GgufBytes.head(1, 0).text("w").u32(5), "tensor 'w': expected 1 to 4 dimensions, found 5");
        refused(GgufBytes.head(1, 0).text("w").u32(-1), "tensor 'w': expected 1 to 4 dimensions, found 4294967295");
        refused(GgufBytes.head(1, 0).tensor("w", 4, 0, 32), "tensor 'w': expected a known ggml type, found type id 4");
        refused(GgufBytes.head(1, 0).tensor("w", -1, 0, 32), "tensor 'w': expected a known ggml type, found type id 4294967295");
        refused(GgufBytes.head(1, 0).tensor("w", 12, 0, 255, 2), "tensor 'w': " + RULE.formatted("256 (Q4_K)") + "[255, 2]");
        refused(GgufBytes.head(1, 0).tensor("w", 0, 0, 0), "tensor 'w': " + RULE.formatted("1 (F32)") + "[0]");
        refused(GgufBytes.head(1, 0).tensor("w", 0, 0, 2, -1), "tensor 'w': " + RULE.formatted("1 (F32)") + "[2, -1]");
        refused(GgufBytes.head(1, 0).tensor("w", 0, 0, 1L << 32, 1L << 32), "tensor 'w': " + RULE.formatted("1 (F32)") + "[4294967296, 4294967296]");
        refused(GgufBytes.head(1, 0).tensor("w", 0, 0, 1L << 61), "tensor 'w': " + RULE.formatted("1 (F32)") + "[2305843009213693952]");
        refused(GgufBytes.head(2, 0).tensor("w", 24, 0, 1).tensor("w", 24, 32, 1), "tensor 'w': expected a name that occurs once, found it again as tensor 1");
    }

    @Test
    void tensorsOutsideTheDataAreRefused() {
        refused(GgufBytes.head(1, 0).tensor("w", 24, 7, 1).pad(32).raw(new byte[64]), "tensor 'w': expected an offset that is a multiple of 32, found 7");
        refused(GgufBytes.head(1, 0).tensor("w", 24, 32, 33).pad(32).raw(new byte[64]), "tensor 'w': expected 33 bytes at offset 32 of the data, found data of 64 bytes");
        refused(GgufBytes.head(1, 0).tensor("w", 24, 0, 1), "tensor 'w': expected 1 bytes at offset 0 of the data, found data of 0 bytes");
        refused(GgufBytes.head(1, 0).tensor("w", 24, -32, 1).pad(32).raw(new byte[64]),
                "tensor 'w': expected 1 bytes at offset 18446744073709551584 of the data, found data of 64 bytes");
        refused(GgufBytes.head(1, 0).tensor("w", 24, Long.MAX_VALUE - 31, Long.MAX_VALUE).pad(32).raw(new byte[64]),
                "tensor 'w': expected 9223372036854775807 bytes at offset 9223372036854775776 of the data, found data of 64 bytes");
        refused(GgufBytes.head(2, 0).tensor("b", 24, 32, 1).tensor("a", 24, 0, 33).pad(32).raw(new byte[64]),
                "tensor 'b': expected data of its own from offset 32, found data of tensor 'a' up to offset 33");
    }

    @Test
    void everyTruncationIsRefused() throws IOException {
        byte[] whole = Files.readAllBytes(GgufFixturesTest.FIXTURES.resolve("dense-mini-Q4_K_M.gguf"));
        MemorySegment bytes = MemorySegment.ofArray(whole);
        for (int length = 0; length < 45_000; length += length < 2_000 || length > 37_000 ? 1 : 97) {
            MemorySegment truncated = bytes.asSlice(0, length);
            assertThrows(ModelFormatException.class, () -> GgufFile.parse("truncated", truncated));
        }
        requireRefused(() -> GgufFile.parse("truncated", bytes.asSlice(0, whole.length - 1)),
                "truncated: tensor 'blk.2.post_ffw_norm.weight': expected 1024 bytes at offset 2167392 of the data, found data of 2168415 bytes");
    }

    @Test
    void gettersNameTheKeyAndWhatTheyFound() {
        GgufMetadata metadata = GgufBytes.head(0, 5).key("text", 8).text("x".repeat(100)).key("big", 10).u64(-1).key("float", 6).u32(0x3f800000)
                .key("words", 9).u32(8).u64(1).text("w").key("numbers", 9).u32(6).u64(2).u64(0).parse().metadata();
        requireRefused(() -> metadata.integer("none"), "bad.gguf: key 'none': expected an integer, found nothing");
        requireRefused(() -> metadata.integer("text"), "bad.gguf: key 'text': expected an integer, found string " + "x".repeat(80) + "...");
        requireRefused(() -> metadata.integer("big"), "bad.gguf: key 'big': expected a 32-bit integer, found 18446744073709551615");
        requireRefused(() -> metadata.integer("float"), "bad.gguf: key 'float': expected a 32-bit integer, found 1.0");
        requireRefused(() -> metadata.string("words"), "bad.gguf: key 'words': expected a string, found an array of 1");
        requireRefused(() -> metadata.strings("numbers"), "bad.gguf: key 'numbers': expected an array of strings, found an array of 2 f32");
        requireRefused(() -> metadata.findIntegers("numbers"), "bad.gguf: key 'numbers': expected a 32-bit integer, found 0.0");
        requireRefused(() -> metadata.findBools("words"), "bad.gguf: key 'words': expected an array of true or false, found an array of 1 string");
    }

    @Test
    void malformedUtf8IsWhatTheDecoderRefuses() {
        byte[] bytes = new byte[4];
        // All leads with second bytes at every boundary, and what may follow.
        for (int lead = 0; lead < 256; lead++) {
            for (int second : new int[] {0, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF}) {
                for (int third : new int[] {0x20, 0x80, 0xBF, 0xC2}) {
                    for (int length = 1; length <= 4; length++) {
                        bytes[0] = (byte) lead;
                        bytes[1] = (byte) second;
                        bytes[2] = (byte) third;
                        bytes[3] = (byte) 0x80;
                        byte[] text = Arrays.copyOf(bytes, length);
                        assertEquals(decodes(text), Utf8.firstMalformed(MemorySegment.ofArray(text), 0, length) == length, () -> Arrays.toString(text));
                    }
                }
            }
        }
    }

    private static boolean decodes(byte[] text) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text));
            return true;
        } catch (CharacterCodingException malformed) {
            return false;
        }
    }

    private static void refused(GgufBytes bytes, String message) {
        requireRefused(bytes::parse, "bad.gguf: " + message);
    }

    private static void requireRefused(Executable call, String message) {
        assertEquals(message, assertThrows(ModelFormatException.class, call).getMessage());
    }
}
