package io.gemma4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.ModelFormatException;
import io.gemma4j.backend.FeedForwardWeights;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.gguf.GgufTensor;
import io.gemma4j.tensor.QuantizedTensor;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever a converter may do with the tensors of a model, its logits stay the same; what cannot be computed with is named. */
class Gemma4WeightsTest {
    private static final String DENSE = "dense-mini-Q4_K_M";
    private static final String ELASTIC = "elastic-mini-Q8_0";
    private static final String MOE = "moe-mini-Q4_K_M";
    private static final int TOKENS = 20;
    /** The same numbers, summed in another order. */
    private static final double SAME_NUMBERS = 1e-5;

    private static float[][] logits(RewrittenModel model) {
        try (OpenModel open = OpenModel.of(model, 8)) {
            return open.logits(open.randomTokens(TOKENS, 3));
        }
    }

    private static void assertSameLogits(RewrittenModel expected, RewrittenModel actual, double bound) {
        double worst = OpenModel.worst(logits(actual), logits(expected));
        assertTrue(worst <= bound, () -> "relative L2 " + worst);
    }

    @Test
    void keysAndValuesLeftOverInSharingLayersAreNotUsed() {
        RewrittenModel model = RewrittenModel.of(ELASTIC);
        for (int layer : new int[] {2, 3}) {
            assertNull(model.tensor("blk." + layer + ".attn_k.weight"), "the fixture has none");
            for (String name : List.of("attn_k.weight", "attn_v.weight", "attn_k_norm.weight")) {
                GgufTensor other = model.tensor("blk." + (layer - 2) + "." + name);
                model.tensor("blk." + layer + "." + name, other.type(), other.dimensions(), other.bytes());
            }
        }
        assertArrayEquals(logits(RewrittenModel.of(ELASTIC)), logits(model));
    }

    @Test
    void expertsGiveTheSameLogitsFusedAndSplit() {
        RewrittenModel model = RewrittenModel.of(MOE);
        for (int layer = 0; layer < 2; layer++) {
            String fused = "blk." + layer + ".ffn_gate_up_exps.weight";
            GgufTensor tensor = model.tensor(fused);
            long width = tensor.dimensions().get(1) / 2;
            List<Long> dimensions = List.of(tensor.dimensions().get(0), width, tensor.dimensions().get(2));
            model.tensor("blk." + layer + ".ffn_gate_exps.weight", tensor.type(), dimensions, halves(tensor, 0));
            model.tensor("blk." + layer + ".ffn_up_exps.weight", tensor.type(), dimensions, halves(tensor, 1));
            model.remove(fused);
        }
        try (OpenModel split = OpenModel.of(model, 8)) {
            assertNull(split.weights.layers().getFirst().experts().gateUp());
            assertNotNull(split.weights.layers().getFirst().experts().gate());
        }
        assertSameLogits(RewrittenModel.of(MOE), model, SAME_NUMBERS);
    }

    /** The first or the second half of each expert's rows. */
    private static MemorySegment halves(GgufTensor tensor, int which) {
        long experts = tensor.dimensions().get(2);
        long half = tensor.bytes().byteSize() / experts / 2;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (long expert = 0; expert < experts; expert++) {
            bytes.writeBytes(tensor.bytes().asSlice((2 * expert + which) * half, half).toArray(ValueLayout.JAVA_BYTE));
        }
        return MemorySegment.ofArray(bytes.toByteArray());
    }

    @Test
    void gateAndUpOfTheSameTypeAreJoinedWithoutACopy() {
        RewrittenModel model = RewrittenModel.of(DENSE);
        try (OpenModel open = OpenModel.of(model, 1)) {
            QuantizedTensor joined = open.uploads.stream().filter(tensor -> tensor.name().equals("blk.0.ffn_gate_up")).findFirst().orElseThrow();
            assertEquals(512, joined.rows());
            assertEquals(2, joined.parts().size());
            for (int part = 0; part < 2; part++) {
                MemorySegment expected = model.tensor(part == 0 ? "blk.0.ffn_gate.weight" : "blk.0.ffn_up.weight").bytes();
                assertEquals(-1, joined.parts().get(part).bytes().mismatch(expected));
            }
            assertTrue(open.uploads.stream().noneMatch(tensor -> tensor.name().matches("blk\\.\\d\\.ffn_(gate|up)\\.weight")));
            FeedForwardWeights weights = open.weights.layers().getFirst().feedForward();
            assertNull(weights.gate());
            assertNull(weights.up());
        }
    }

    @Test
    void gateAndUpOfDifferentTypesStayApartAndGiveTheSameLogits() {
        RewrittenModel model = RewrittenModel.of(DENSE).asF32("blk.0.ffn_up.weight", UnaryOperator.identity())
                .asF32("blk.2.ffn_gate.weight", UnaryOperator.identity());
        try (OpenModel open = OpenModel.of(model, 1)) {
            List<String> names = open.uploads.stream().map(QuantizedTensor::name).filter(name -> name.matches(".*ffn_(gate|up).*")).toList();
            assertEquals(List.of("blk.0.ffn_gate.weight", "blk.0.ffn_up.weight", "blk.1.ffn_gate_up", "blk.2.ffn_gate.weight", "blk.2.ffn_up.weight"),
                    names);
            assertNull(open.weights.layers().getFirst().feedForward().gateUp());
        }
        assertSameLogits(RewrittenModel.of(DENSE), model, SAME_NUMBERS);
    }

    @Test
    void outputMatrixOfItsOwnIsUsedInsteadOfTheEmbedding() {
        RewrittenModel model = RewrittenModel.of(DENSE);
        float[] embedding = model.values("token_embd.weight");
        float[] reversed = new float[embedding.length];
        for (int token = 0; token < 1024; token++) {
            System.arraycopy(embedding, token * 256, reversed, (1023 - token) * 256, 256);
        }
        model.tensor("output.weight", GgmlType.F32, List.of(256L, 1024L), RewrittenModel.bytes(reversed));
        float[][] tied = logits(RewrittenModel.of(DENSE));
        float[][] untied = logits(model);
        for (int row = 0; row < TOKENS; row++) {
            for (int token = 0; token < 1024; token++) {
                assertEquals(tied[row][token], untied[row][1023 - token], 1e-4);
            }
        }
    }

    @Test
    void suppressedTokensNeverGetALogit() {
        List<Integer> suppressed = List.of(0, 5, 511, 1023);
        float[][] all = logits(RewrittenModel.of(DENSE));
        float[][] some = logits(RewrittenModel.of(DENSE).put("tokenizer.ggml.suppress_tokens", suppressed));
        for (int row = 0; row < TOKENS; row++) {
            for (int token = 0; token < 1024; token++) {
                assertEquals(suppressed.contains(token) ? Float.NEGATIVE_INFINITY : all[row][token], some[row][token]);
            }
        }
    }

    @Test
    void missingOutputScaleIsOneAndMissingRopeFactorsAreOnes() {
        RewrittenModel without = RewrittenModel.of(DENSE).remove("rope_freqs.weight");
        RewrittenModel ones = RewrittenModel.of(DENSE).asF32("rope_freqs.weight", Gemma4WeightsTest::ones);
        for (int layer = 0; layer < 3; layer++) {
            without.remove("blk." + layer + ".layer_output_scale.weight");
            ones.asF32("blk." + layer + ".layer_output_scale.weight", Gemma4WeightsTest::ones);
        }
        assertArrayEquals(logits(ones), logits(without));
        assertTrue(OpenModel.worst(logits(without), logits(RewrittenModel.of(DENSE))) > 1e-3, "the fixture's scales and factors matter");
    }

    private static float[] ones(float[] values) {
        Arrays.fill(values, 1);
        return values;
    }

    @Test
    void normsMayBeStoredInAnyType() {
        RewrittenModel rounded = RewrittenModel.of(DENSE);
        RewrittenModel half = RewrittenModel.of(DENSE);
        for (String name : List.of("output_norm.weight", "blk.1.attn_q_norm.weight", "blk.2.ffn_norm.weight")) {
            GgufTensor norm = rounded.tensor(name);
            float[] values = rounded.values(name);
            short[] halves = new short[values.length];
            for (int i = 0; i < values.length; i++) {
                halves[i] = Float.floatToFloat16(values[i]);
                values[i] = Float.float16ToFloat(halves[i]);
            }
            rounded.asF32(name, _ -> values);
            MemorySegment bytes = MemorySegment.ofArray(new byte[2 * halves.length]);
            MemorySegment.copy(halves, 0, bytes, ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0, halves.length);
            half.tensor(name, GgmlType.F16, norm.dimensions(), bytes);
        }
        assertArrayEquals(logits(rounded), logits(half));
    }

    static Stream<Arguments> tensorsThatEveryModelNeeds() {
        return Stream.concat(
                Stream.of("output_norm.weight", "blk.0.attn_norm.weight", "blk.1.attn_q.weight", "blk.0.attn_k.weight", "blk.0.attn_k_norm.weight",
                        "blk.0.attn_q_norm.weight", "blk.1.attn_output.weight", "blk.0.post_attention_norm.weight", "blk.1.ffn_gate.weight",
                        "blk.1.ffn_up.weight", "blk.1.ffn_down.weight", "blk.0.ffn_norm.weight", "blk.0.post_ffw_norm.weight")
                        .map(name -> Arguments.of(DENSE, name)),
                Stream.concat(
                        Stream.of("per_layer_token_embd.weight", "per_layer_model_proj.weight", "per_layer_proj_norm.weight", "blk.3.inp_gate.weight",
                                "blk.3.proj.weight", "blk.3.post_norm.weight").map(name -> Arguments.of(ELASTIC, name)),
                        Stream.of("blk.1.ffn_gate_inp.weight", "blk.1.ffn_gate_inp.scale", "blk.1.pre_ffw_norm_2.weight", "blk.1.ffn_down_exps.weight",
                                "blk.1.ffn_down_exps.scale", "blk.1.post_ffw_norm_1.weight", "blk.1.post_ffw_norm_2.weight")
                                .map(name -> Arguments.of(MOE, name))));
    }

    @ParameterizedTest
    @MethodSource
    void tensorsThatEveryModelNeeds(String fixture, String name) {
        assertRefused(RewrittenModel.of(fixture).remove(name), "tensor '" + name + "'", "no such tensor");
        RewrittenModel transposed = RewrittenModel.of(fixture);
        GgufTensor tensor = transposed.tensor(name);
        transposed.tensor(name, tensor.type(), Stream.concat(tensor.dimensions().stream(), Stream.of(1L)).toList(), tensor.bytes());
        assertRefused(transposed, "tensor '" + name + "'", "dimensions " + tensor.dimensions() + ", found");
    }

    @Test
    void typesThatCannotBeComputedWithAreNamed() {
        int blockBytes = GgmlType.IQ1_S.blockBytes();
        assertRefused(RewrittenModel.of(DENSE).tensor("blk.0.ffn_down.weight", GgmlType.IQ1_S, List.of(256L, 256L),
                MemorySegment.ofArray(new byte[256 * blockBytes])), "tensor 'blk.0.ffn_down.weight'", "IQ1_S");
    }

    @Test
    void ropeDivisorsOfZeroAreRefused() {
        assertRefused(RewrittenModel.of(DENSE).asF32("rope_freqs.weight", values -> {
            values[3] = 0;
            return values;
        }), "tensor 'rope_freqs.weight'", "positive divisors, found 0.0");
    }

    @Test
    void perLayerEmbeddingsThatSplitABlockAreRefused() {
        RewrittenModel model = RewrittenModel.of(ELASTIC).put("gemma4.embedding_length_per_layer_input", 128)
                .tensor("per_layer_token_embd.weight", GgmlType.Q6_K, List.of(512L, 1024L), zeros(GgmlType.Q6_K, 512 * 1024))
                .tensor("per_layer_model_proj.weight", GgmlType.F32, List.of(256L, 512L), zeros(GgmlType.F32, 256 * 512))
                .tensor("per_layer_proj_norm.weight", GgmlType.F32, List.of(128L), zeros(GgmlType.F32, 128));
        for (int layer = 0; layer < 4; layer++) {
            model.tensor("blk." + layer + ".inp_gate.weight", GgmlType.F32, List.of(256L, 128L), zeros(GgmlType.F32, 256 * 128))
                    .tensor("blk." + layer + ".proj.weight", GgmlType.F32, List.of(128L, 256L), zeros(GgmlType.F32, 256 * 128));
        }
        assertRefused(model, "tensor 'per_layer_token_embd.weight'", "128 elements of a layer", "Q6_K");
    }

    private static MemorySegment zeros(GgmlType type, long elements) {
        return MemorySegment.ofArray(new byte[Math.toIntExact(type.rowBytes(elements))]);
    }

    private static void assertRefused(RewrittenModel model, String... parts) {
        String message = assertThrows(ModelFormatException.class, () -> OpenModel.of(model, 1)).getMessage();
        for (String part : parts) {
            assertTrue(message.contains(part), () -> "'" + part + "' in: " + message);
        }
    }
}
