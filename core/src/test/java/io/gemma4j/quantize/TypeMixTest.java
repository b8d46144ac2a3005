package io.gemma4j.quantize;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gemma4j.Fixture;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.gguf.GgufTensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TypeMixTest {

    /** As if the file had not been quantized. */
    private static TypeMix.Tensor original(GgufTensor tensor) {
        return new TypeMix.Tensor(tensor.name(), tensor.type().blockElements() > 1 ? GgmlType.F16 : tensor.type(), tensor.dimensions());
    }

    @ParameterizedTest
    @CsvSource({"dense-mini-Q4_K_M, Q4_K_M", "moe-mini-Q4_K_M, Q4_K_M", "elastic-mini-Q8_0, Q8_0"})
    void typesAreThoseOfFilesThatLlamaCppQuantized(String fixture, TypeMix mix) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            GgufFile file = GgufFile.open(Fixture.bundled(fixture).model(), arena);
            Map<String, GgmlType> types = mix.types(file.tensors().stream().map(TypeMixTest::original).toList());
            // For models of 8 experts, which no Gemma 4 is, llama.cpp gives the matrices of attention more bits.
            boolean eightExperts = file.metadata().findInteger("gemma4.expert_count").equals(Optional.of(8));
            for (GgufTensor tensor : file.tensors()) {
                if (!eightExperts || !tensor.name().contains(".attn_")) {
                    assertEquals(tensor.type(), types.get(tensor.name()), tensor.name());
                }
            }
            assertEquals(file.metadata().integer("general.file_type"), mix.fileType());
        }
    }

    @Test
    void theOrderOfTheTensorsMakesNoDifference() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            List<TypeMix.Tensor> tensors = new ArrayList<>(
                    GgufFile.open(Fixture.bundled("moe-mini-Q4_K_M").model(), arena).tensors().stream().map(TypeMixTest::original).toList());
            Map<String, GgmlType> types = TypeMix.Q4_K_M.types(tensors);
            for (int seed = 0; seed < 5; seed++) {
                Collections.shuffle(tensors, new Random(seed));
                assertEquals(types, TypeMix.Q4_K_M.types(tensors));
            }
        }
    }

    @Test
    void rowsThatAreNoWholeBlocksFallBackToSmallerOnesAndAtLastTo16Bits() {
        Map<Long, GgmlType> expected = Map.of(256L, GgmlType.Q4_K, 96L, GgmlType.Q5_0, 20L, GgmlType.F16);
        expected.forEach((columns, type) -> {
            TypeMix.Tensor tensor = new TypeMix.Tensor("blk.0.attn_q.weight", GgmlType.F32, List.of(columns, 4L));
            assertEquals(type, TypeMix.Q4_K_M.types(List.of(tensor)).get(tensor.name()), columns + " columns");
        });
    }

    @Test
    void vectorsRoutersAndTheProjectionToPerLayerEmbeddingsKeepTheirTypes() {
        List<TypeMix.Tensor> kept = List.of(new TypeMix.Tensor("output_norm.weight", GgmlType.F32, List.of(512L)),
                new TypeMix.Tensor("blk.0.ffn_gate_inp.weight", GgmlType.F32, List.of(512L, 8L)),
                new TypeMix.Tensor("blk.0.ffn_gate_inp.scale", GgmlType.F32, List.of(512L)),
                new TypeMix.Tensor("blk.0.attn_q_norm.weight", GgmlType.F16, List.of(256L, 2L)),
                new TypeMix.Tensor("per_layer_model_proj.weight", GgmlType.BF16, List.of(512L, 512L)));
        for (TypeMix mix : TypeMix.values()) {
            Map<String, GgmlType> types = mix.types(kept);
            kept.forEach(tensor -> assertEquals(tensor.type(), types.get(tensor.name()), mix + " " + tensor.name()));
        }
    }

    @Test
    void thePartsOfPerLayerEmbeddingsAreWholeBlocks() {
        Map<Long, GgmlType> expected = Map.of(256L, GgmlType.Q6_K, 64L, GgmlType.Q8_0, 32L, GgmlType.Q8_0, 48L, GgmlType.F16);
        expected.forEach((width, type) -> {
            List<TypeMix.Tensor> tensors = new ArrayList<>(
                    List.of(new TypeMix.Tensor("per_layer_token_embd.weight", GgmlType.BF16, List.of(16 * width, 100L))));
            for (int layer = 0; layer < 16; layer++) {
                tensors.add(new TypeMix.Tensor("blk." + layer + ".attn_norm.weight", GgmlType.F32, List.of(256L)));
            }
            assertEquals(type, TypeMix.Q4_K_M.types(tensors).get("per_layer_token_embd.weight"), width + " elements of a layer");
        });
    }
}
