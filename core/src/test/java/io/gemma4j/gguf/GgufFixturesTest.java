package io.gemma4j.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tukaani.xz.XZInputStream;

/** Files that llama.cpp's tools wrote; what they hold was read off with another reader. */
class GgufFixturesTest {
    static final Path FIXTURES = Path.of("src/test/resources/fixtures");

    @ParameterizedTest
    @CsvSource({"dense-mini-Q4_K_M.gguf, 44, 35, 2208608", "elastic-mini-Q8_0.gguf, 68, 35, 6415104", "moe-mini-Q4_K_M.gguf, 46, 38, 3209376"})
    void everyFixtureOpensWithItsCounts(String name, int tensors, int keys, long bytes) throws IOException {
        try (Arena arena = Arena.ofShared()) {
            GgufFile file = GgufFile.open(FIXTURES.resolve(name), arena);
            assertEquals(3, file.version());
            assertEquals(tensors, file.tensors().size());
            assertEquals(keys, file.metadata().keys().size());
            assertEquals(bytes, file.bytes());
            assertEquals(FIXTURES.resolve(name), file.path());
            assertEquals(List.of(FIXTURES.resolve(name)), file.files());
            assertEquals("gemma4", file.metadata().string("general.architecture"));
            assertEquals(1024, file.metadata().strings("tokenizer.ggml.tokens").size());
            assertEquals("<bos>", file.metadata().strings("tokenizer.ggml.tokens").get(2));
            assertEquals(Optional.of(true), file.metadata().findBool("tokenizer.ggml.add_bos_token"));
        }
    }

    @Test
    void shapesTypesAndPlacesOfTheDenseFixtureAreAsWritten() throws IOException {
        Path path = FIXTURES.resolve("dense-mini-Q4_K_M.gguf");
        byte[] whole = Files.readAllBytes(path);
        try (Arena arena = Arena.ofShared()) {
            GgufFile file = GgufFile.open(path, arena);
            assertEquals("output_norm.weight", file.tensors().getFirst().name());
            assertEquals("blk.2.post_ffw_norm.weight", file.tensors().getLast().name());
            requireTensor(file, "token_embd.weight", GgmlType.Q6_K, List.of(256L, 1024L), 215_040);
            requireTensor(file, "blk.0.attn_output.weight", GgmlType.Q4_K, List.of(1024L, 256L), 147_456);
            requireTensor(file, "blk.0.layer_output_scale.weight", GgmlType.F32, List.of(1L), 4);
            assertTrue(file.tensor("blk.2.attn_v.weight").isEmpty(), "layer 2 takes its values from the keys");

            // The head of the file is 40175 bytes, so the data starts at 40192.
            GgufTensor down = file.tensor("blk.2.ffn_down.weight").orElseThrow();
            MemorySegment expected = MemorySegment.ofArray(whole).asSlice(40_192 + 2_037_824, 53_760);
            assertEquals(-1, down.bytes().mismatch(expected));
            assertEquals(whole.length, 40_192 + 2_167_392 + 1024);

            Map<GgmlType, Long> types = file.tensors().stream().collect(Collectors.groupingBy(GgufTensor::type, TreeMap::new, Collectors.counting()));
            assertEquals(Map.of(GgmlType.F32, 23L, GgmlType.Q4_K, 18L, GgmlType.Q6_K, 3L), types);
        }
    }

    @Test
    void expertTensorsHaveThreeDimensions() throws IOException {
        try (Arena arena = Arena.ofShared()) {
            GgufFile file = GgufFile.open(FIXTURES.resolve("moe-mini-Q4_K_M.gguf"), arena);
            requireTensor(file, "blk.0.ffn_gate_up_exps.weight", GgmlType.Q4_K, List.of(256L, 512L, 8L), 589_824);
            requireTensor(file, "blk.1.attn_output.weight", GgmlType.Q5_K, List.of(1024L, 256L), 180_224);
        }
    }

    @Test
    void arraysPerLayerAreRead() throws IOException {
        try (Arena arena = Arena.ofShared()) {
            GgufMetadata metadata = GgufFile.open(FIXTURES.resolve("elastic-mini-Q8_0.gguf"), arena).metadata();
            assertTrue(metadata.isArray("gemma4.feed_forward_length"));
            assertEquals(List.of(256, 256, 512, 512), metadata.asMap().get("gemma4.feed_forward_length"));
            assertEquals(Optional.of(List.of(true, false, true, false)), metadata.findBools("gemma4.attention.sliding_window_pattern"));
            assertEquals(1e-6f, metadata.floating("gemma4.attention.layer_norm_rms_epsilon"));
            assertEquals(7, metadata.integer("general.file_type"));
        }
    }

    @Test
    void weightsOfAClosedArenaAreGoneButMetadataStays() throws IOException {
        GgufFile file;
        try (Arena arena = Arena.ofShared()) {
            file = GgufFile.open(FIXTURES.resolve("dense-mini-Q4_K_M.gguf"), arena);
        }
        assertThrows(IllegalStateException.class, () -> file.tensors().getFirst().bytes().asByteBuffer().get());
        assertEquals(1024, new HashSet<>(file.metadata().strings("tokenizer.ggml.tokens")).size());
        assertEquals(971, file.metadata().strings("tokenizer.ggml.merges").size());
        assertEquals(Optional.of(List.of(true, true, false)), file.metadata().findBools("gemma4.attention.sliding_window_pattern"));
    }

    @Test
    @Timeout(value = 20, unit = TimeUnit.SECONDS)
    void theWholeVocabularyIsRead() throws IOException {
        byte[] packed = Files.readAllBytes(Path.of("src/test/resources/tokenizer/gemma4-vocab.gguf.xz"));
        ByteBuffer bytes = ByteBuffer.wrap(new XZInputStream(new ByteArrayInputStream(packed)).readAllBytes());
        GgufFile file = GgufFile.parse("vocabulary", MemorySegment.ofBuffer(bytes));

        assertEquals(List.of(), file.tensors());
        assertEquals(List.of(), file.files());
        assertThrows(IllegalStateException.class, file::path);
        assertEquals(bytes.capacity(), file.bytes());
        List<String> tokens = file.metadata().strings("tokenizer.ggml.tokens");
        assertEquals(262_144, new HashSet<>(tokens).size());
        List<String> merges = file.metadata().strings("tokenizer.ggml.merges");
        assertEquals(514_906, merges.size());
        assertEquals("\n".repeat(30) + " \n", merges.getFirst());
        assertTrue(merges.stream().allMatch(merge -> merge.indexOf(' ') > 0));
        assertEquals(262_144, file.metadata().findIntegers("tokenizer.ggml.token_type").orElseThrow().length);
        assertTrue(file.metadata().string("tokenizer.chat_template").startsWith("{%- macro format_parameters"));
    }

    private static void requireTensor(GgufFile file, String name, GgmlType type, List<Long> dimensions, long bytes) {
        GgufTensor tensor = file.tensor(name).orElseThrow();
        assertEquals(name, tensor.name());
        assertEquals(type, tensor.type());
        assertEquals(dimensions, tensor.dimensions());
        assertEquals(bytes, tensor.bytes().byteSize());
        assertEquals(dimensions.stream().reduce(1L, (a, b) -> a * b), tensor.elements());
    }
}
