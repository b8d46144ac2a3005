package io.gemma4j.bench.synth;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.gguf.GgmlType;
import io.gemma4j.quantize.TypeMix;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Shapes against the published models, types against files that llama.cpp quantized. */
class TensorPlanTest {

    private static Map<String, TensorPlan.Tensor> plan(Preset preset, TypeMix mix) {
        Map<String, TensorPlan.Tensor> byName = new LinkedHashMap<>();
        TensorPlan.of(preset.architecture(), mix, SyntheticVocabulary.PUBLISHED_SIZE).forEach(tensor -> byName.put(tensor.name(), tensor));
        return byName;
    }

    private static long elements(TensorPlan.Tensor tensor) {
        return Arrays.stream(tensor.dimensions()).reduce(1, (a, b) -> a * b);
    }

    private static double gigabytes(Map<String, TensorPlan.Tensor> plan) {
        return plan.values().stream().mapToLong(t -> elements(t) / t.type().blockElements() * t.type().blockBytes()).sum() / 1e9;
    }

    /** Gigabytes of Q4_K_M files and billions of parameters, as published or computed from the published shapes. */
    @ParameterizedTest
    @CsvSource({"E2B, 3.4, 4.6", "E4B, 5.28, 7.5", "A4B_26B, 16.8, 25.2", "DENSE_31B, 18.7, 30.7"})
    void sizesAreThoseOfThePublishedModels(Preset preset, double gigabytes, double billions) {
        Map<String, TensorPlan.Tensor> plan = plan(preset, TypeMix.Q4_K_M);
        assertEquals(gigabytes, gigabytes(plan), 0.02 * gigabytes);
        assertEquals(billions, plan.values().stream().mapToLong(TensorPlanTest::elements).sum() / 1e9, 0.02 * billions);
    }

    @Test
    void halfOfTheDownProjectionsOf31BHaveSixBits() {
        Map<String, TensorPlan.Tensor> plan = plan(Preset.DENSE_31B, TypeMix.Q4_K_M);
        Map<GgmlType, Integer> down = new TreeMap<>();
        for (int i = 0; i < 60; i++) {
            down.merge(plan.get("blk." + i + ".ffn_down.weight").type(), 1, Integer::sum);
        }
        assertEquals(Map.of(GgmlType.Q4_K, 30, GgmlType.Q6_K, 30), down);
        for (int i : List.of(0, 6, 9, 12, 51, 52, 59)) {
            assertEquals(GgmlType.Q6_K, plan.get("blk." + i + ".ffn_down.weight").type(), "layer " + i);
        }
        for (int i : List.of(7, 8, 10, 11, 50)) {
            assertEquals(GgmlType.Q4_K, plan.get("blk." + i + ".ffn_down.weight").type(), "layer " + i);
        }
        assertEquals(GgmlType.Q6_K, plan.get("token_embd.weight").type());
        assertEquals(GgmlType.Q4_K, plan.get("blk.0.attn_output.weight").type());
        assertEquals(GgmlType.F32, plan.get("blk.0.attn_norm.weight").type());
    }

    @Test
    void valuesAreCountedAmongThemselves() {
        Map<String, TensorPlan.Tensor> plan = plan(Preset.DENSE_31B, TypeMix.Q4_K_M);
        // 50 of them, without those of the full layers 5, 11, ...: the first 6 are more precise, the 7th, of layer 7, is not.
        assertFalse(plan.containsKey("blk.5.attn_v.weight"));
        assertEquals(GgmlType.Q6_K, plan.get("blk.6.attn_v.weight").type());
        assertEquals(GgmlType.Q4_K, plan.get("blk.7.attn_v.weight").type());
        assertEquals(GgmlType.Q4_K, plan.get("blk.8.attn_v.weight").type());
        assertEquals(GgmlType.Q6_K, plan.get("blk.9.attn_v.weight").type());
    }

    @Test
    void rowsThatAreNoWholeBlocksOf256FallBackIn26B() {
        Map<String, TensorPlan.Tensor> plan = plan(Preset.A4B_26B, TypeMix.Q4_K_M);
        assertEquals(GgmlType.Q8_0, plan.get("blk.0.ffn_down.weight").type());
        assertEquals(GgmlType.Q8_0, plan.get("blk.0.ffn_down_exps.weight").type());
        assertEquals(GgmlType.Q5_0, plan.get("blk.3.ffn_down.weight").type());
        assertEquals(GgmlType.Q5_0, plan.get("blk.3.ffn_down_exps.weight").type());
        assertEquals(GgmlType.Q4_K, plan.get("blk.3.ffn_gate_up_exps.weight").type());
        assertEquals(GgmlType.F32, plan.get("blk.3.ffn_gate_inp.weight").type());
        assertEquals(List.of(2816L, 1408L, 128L), Arrays.stream(plan.get("blk.3.ffn_gate_up_exps.weight").dimensions()).boxed().toList());
        assertEquals(List.of(704L, 2816L, 128L), Arrays.stream(plan.get("blk.3.ffn_down_exps.weight").dimensions()).boxed().toList());
    }

    @Test
    void lastLayersOfE2BShareKeysAndValuesAndAreTwiceAsWide() {
        Map<String, TensorPlan.Tensor> plan = plan(Preset.E2B, TypeMix.Q4_K_M);
        assertTrue(plan.containsKey("blk.14.attn_k.weight"));
        assertTrue(plan.containsKey("blk.14.attn_v.weight"));
        assertFalse(plan.containsKey("blk.15.attn_k.weight"));
        assertFalse(plan.containsKey("blk.15.attn_k_norm.weight"));
        assertEquals(6144, plan.get("blk.14.ffn_down.weight").dimensions()[0]);
        assertEquals(12_288, plan.get("blk.15.ffn_down.weight").dimensions()[0]);
        assertEquals(8960, plan.get("per_layer_token_embd.weight").dimensions()[0]);
        assertEquals(GgmlType.Q6_K, plan.get("per_layer_token_embd.weight").type());
        assertEquals(GgmlType.BF16, plan.get("per_layer_model_proj.weight").type());
        assertEquals(GgmlType.Q4_K, plan.get("blk.0.proj.weight").type());
        assertEquals(List.of(4, 9, 14, 19, 24, 29, 34),
                Preset.E2B.architecture().layers().stream().filter(layer -> !layer.sliding()).map(Architecture.Layer::index).toList());
    }

    @ParameterizedTest
    @EnumSource(Preset.class)
    void otherMixesHaveOneTypeBesideTheHead(Preset preset) {
        for (TypeMix mix : List.of(TypeMix.Q8_0, TypeMix.Q4_0, TypeMix.F16)) {
            GgmlType expected = GgmlType.valueOf(mix.name());
            plan(preset, mix).forEach((name, tensor) -> {
                if (name.endsWith("token_embd.weight")) {
                    assertEquals(mix == TypeMix.Q4_0 ? GgmlType.Q6_K : expected, tensor.type(), name);
                } else if (tensor.dimensions().length > 1 && !name.contains("ffn_gate_inp") && !name.equals("per_layer_model_proj.weight")) {
                    assertEquals(expected, tensor.type(), name);
                }
            });
        }
    }

    @ParameterizedTest
    @EnumSource(Preset.class)
    void fewerLayersKeepThePattern(Preset preset) {
        for (int count = 1; count <= preset.architecture().layerCount(); count++) {
            List<Architecture.Layer> layers = preset.architecture().layers(count).layers();
            assertEquals(count, layers.size());
            assertFalse(layers.getLast().sliding(), count + " layers");
            for (Architecture.Layer layer : layers) {
                assertTrue(layer.ownsKv() || layers.stream().anyMatch(other -> other.ownsKv() && other.sliding() == layer.sliding()),
                        "someone owns the keys and values of " + layer + " of " + count);
            }
        }
        assertEquals(preset.architecture(), preset.architecture().layers(preset.architecture().layerCount()));
    }
}
