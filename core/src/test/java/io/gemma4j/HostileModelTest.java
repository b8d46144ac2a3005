package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.gguf.GgmlType;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.gguf.GgufTensor;
import io.gemma4j.gguf.GgufWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class HostileModelTest {
    @TempDir
    Path folder;

    /** Loads a file that is not to be trusted and returns what its refusal says. */
    private String refusal(Path file) throws Exception {
        ModelFormatException e = assertThrows(ModelFormatException.class, () -> Gemma4.load(file, MiniModels.options()));
        assertTrue(e.getMessage().contains(file.getFileName().toString()), e.getMessage());
        assertEquals(List.of(), MiniModels.libraryThreads());
        if (System.getProperty("os.name").equals("Linux")) {
            assertEquals(0, MiniModels.mappedRegions(file));
        }
        return e.getMessage();
    }

    /** Writes a fixture anew with other tensors, null leaving one out, and other values. */
    private Path changed(Fixture fixture, Map<String, Object> values, UnaryOperator<GgufTensor> change) throws Exception {
        try (Arena arena = Arena.ofConfined()) {
            GgufFile file = GgufFile.open(fixture.model(), arena);
            GgufWriter writer = new GgufWriter();
            Map<String, Object> all = new LinkedHashMap<>(file.metadata().asMap());
            all.putAll(values);
            all.forEach(writer::put);
            for (GgufTensor tensor : file.tensors()) {
                GgufTensor other = change.apply(tensor);
                if (other != null) {
                    writer.tensor(other.name(), other.type(), other.dimensions().stream().mapToLong(Long::longValue).toArray(), other.bytes());
                }
            }
            Path written = folder.resolve("changed.gguf");
            writer.write(written);
            return written;
        }
    }

    @Test
    void fileCutOffAnywhereIsRefused() throws Exception {
        byte[] whole = Files.readAllBytes(MiniModels.DENSE.model());
        for (int length = 0; length < whole.length; length += 64 << 10) {
            refusal(Files.write(folder.resolve("cut.gguf"), Arrays.copyOf(whole, length)));
        }
        refusal(Files.write(folder.resolve("cut.gguf"), Arrays.copyOf(whole, whole.length - 100)));
    }

    @Test
    void fileWrittenAnewWorks() throws Exception {
        try (Gemma4 model = Gemma4.load(changed(MiniModels.MOE, Map.of(), tensor -> tensor), MiniModels.options());
                Gemma4 original = MiniModels.load(MiniModels.MOE, o -> o)) {
            assertEquals(original.prompt("a").seed(1).maxTokens(5).generate().tokens(), model.prompt("a").seed(1).maxTokens(5).generate().tokens());
        }
    }

    @Test
    void foreignArchitectureIsRefusedNamingTheSupportedOne() throws Exception {
        String refusal = refusal(changed(MiniModels.DENSE, Map.of("general.architecture", "llama"), tensor -> tensor));
        assertTrue(refusal.contains("'gemma4'") && refusal.contains("'llama'") && refusal.contains("general.architecture"), refusal);
    }

    @Test
    void everyTensorThatIsNeededIsMissed() throws Exception {
        List<String> optional = List.of("rope_freqs.weight", "layer_output_scale.weight", "attn_v.weight");
        for (Fixture fixture : List.of(MiniModels.DENSE, MiniModels.ELASTIC, MiniModels.MOE)) {
            List<String> names;
            try (Arena arena = Arena.ofConfined()) {
                names = GgufFile.open(fixture.model(), arena).tensors().stream().map(GgufTensor::name)
                        .filter(name -> !name.startsWith("blk.") || name.startsWith("blk.0.")).toList();
            }
            for (String name : names) {
                if (optional.stream().noneMatch(name::endsWith)) {
                    String refusal = refusal(changed(fixture, Map.of(), tensor -> tensor.name().equals(name) ? null : tensor));
                    // Without the joined projections of the experts, the separate ones are looked for.
                    String missed = name.replace("ffn_gate_up_exps", "ffn_gate_exps");
                    assertTrue(refusal.contains("'" + missed + "'"), () -> name + " is missing: " + refusal);
                }
            }
        }
    }

    @Test
    void tensorOfAnotherShapeIsRefused() throws Exception {
        for (String name : List.of("token_embd.weight", "blk.1.attn_q.weight", "blk.0.ffn_gate.weight", "blk.2.ffn_down.weight")) {
            String refusal = refusal(changed(MiniModels.DENSE, Map.of(), tensor -> tensor.name().equals(name)
                    ? new GgufTensor(name, tensor.type(), List.of(tensor.elements()), tensor.bytes())
                    : tensor));
            assertTrue(refusal.contains("'" + name + "'") && refusal.contains("dimensions ["), refusal);
        }
    }

    @Test
    void tensorThatIsTooShortIsRefused() throws Exception {
        String name = "blk.0.post_attention_norm.weight";
        String refusal = refusal(changed(MiniModels.DENSE, Map.of(), tensor -> tensor.name().equals(name)
                ? new GgufTensor(name, GgmlType.F32, List.of(1L), MemorySegment.ofArray(new byte[4]))
                : tensor));
        assertTrue(refusal.contains("'" + name + "'") && refusal.contains("[1]"), refusal);
    }

    @Test
    void tensorOfAnUnsupportedTypeIsRefused() throws Exception {
        String name = "blk.0.attn_q.weight";
        GgmlType type = GgmlType.valueOf("IQ2_XXS");
        String refusal = refusal(changed(MiniModels.DENSE, Map.of(), tensor -> {
            if (!tensor.name().equals(name)) {
                return tensor;
            }
            int bytes = (int) (tensor.elements() / type.blockElements() * type.blockBytes());
            return new GgufTensor(name, type, tensor.dimensions(), MemorySegment.ofArray(new byte[bytes]));
        }));
        assertTrue(refusal.contains("'" + name + "'") && refusal.contains("IQ2_XXS") && refusal.contains("Q4_K"), refusal);
    }

    @Test
    void metadataOutOfRangeIsRefusedByKey() throws Exception {
        for (String key : List.of("gemma4.block_count", "gemma4.embedding_length", "gemma4.attention.head_count", "gemma4.attention.key_length",
                "gemma4.context_length", "gemma4.feed_forward_length")) {
            for (Object value : List.of(0, -1, Integer.MAX_VALUE, "text")) {
                String refusal = refusal(changed(MiniModels.DENSE, Map.of(key, value), tensor -> tensor));
                assertTrue(refusal.contains("'gemma4.") || refusal.contains("tensor '"), refusal);
            }
        }
    }
}
