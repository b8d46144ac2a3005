package io.gemma4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Backend;
import io.gemma4j.Gemma4;
import io.gemma4j.KvType;
import io.gemma4j.LoadOptions;
import io.gemma4j.backend.AttentionWeights;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.Step.LogitRows;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.gguf.GgufTensor;
import io.gemma4j.tensor.QuantizedTensor;
import io.gemma4j.tokenizer.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The mistakes that are easily made with this model, one test or more each. Those of the tokenizer have theirs beside it: merges go by rank
 * ({@code TokenizerMetadataTest.lowerRanksMergeFirst}), byte tokens join to characters across tokens ({@code StreamDecoderTest}), and
 * {@code </s>} does not end a turn ({@code TokenizerTest.generationEndsAtTheThreeTokensThatEndAnAnswerAndNotAtAStruckOutText}).
 */
class Gemma4TrapsTest {
    private static final String DENSE = "dense-mini-Q4_K_M";
    private static final String ELASTIC = "elastic-mini-Q8_0";
    private static final String MOE = "moe-mini-Q4_K_M";
    /** The same sums in another order. */
    private static final double OTHER_ORDER = 1e-5;

    @Test
    void beginningOfSequenceIsPutFirstEvenWhereTheFileSaysNo() {
        GgufFile file = RewrittenModel.of(DENSE).put("tokenizer.ggml.add_bos_token", false).file();
        assertEquals(2, Tokenizer.of(file.metadata()).encode("a", true)[0]);
    }

    @Test
    void softCapBoundsTheLogitsBeforeAnythingElseSeesThem() {
        float cap = 0.5f;
        try (OpenModel raw = OpenModel.of(RewrittenModel.of(DENSE).put("gemma4.final_logit_softcapping", null), 8);
                OpenModel capped = OpenModel.of(RewrittenModel.of(DENSE).put("gemma4.final_logit_softcapping", cap), 8)) {
            int[] text = raw.randomTokens(12, 1);
            float[][] free = raw.logits(text);
            float[][] bounded = capped.logits(text);
            boolean exceeds = false;
            for (int row = 0; row < text.length; row++) {
                for (int token = 0; token < free[row].length; token++) {
                    assertEquals(cap * Math.tanh(free[row][token] / cap), bounded[row][token], 1e-6);
                    exceeds |= Math.abs(free[row][token]) > 2 * cap;
                }
            }
            assertTrue(exceeds, "the cap matters");
        }
    }

    @Test
    void valuesWithoutAProjectionAreTheRawKeyProjection() {
        RewrittenModel without = RewrittenModel.of(MOE);
        assertNull(without.tensor("blk.1.attn_v.weight"), "the fixture has none");
        RewrittenModel with = RewrittenModel.of(MOE);
        GgufTensor key = with.tensor("blk.1.attn_k.weight");
        with.tensor("blk.1.attn_v.weight", key.type(), key.dimensions(), key.bytes());
        // Another norm of the keys changes the keys, but not the values.
        for (RewrittenModel model : List.of(without, with)) {
            model.asF32("blk.1.attn_k_norm.weight", values -> {
                for (int i = 0; i < values.length; i++) {
                    values[i] *= 1 + i % 3;
                }
                return values;
            });
        }
        try (OpenModel implied = OpenModel.of(without, 8); OpenModel explicit = OpenModel.of(with, 8)) {
            assertNotNull(explicit.weights.layers().get(1).attention().value());
            assertArrayEquals(explicit.logits(explicit.randomTokens(25, 2)), implied.logits(implied.randomTokens(25, 2)));
        }
    }

    @Test
    void sharingLayersReadAnotherLayersCacheAndMayHaveAWiderFeedForward() {
        try (OpenModel model = OpenModel.of(RewrittenModel.of(ELASTIC), 8)) {
            for (int layer = 0; layer < 4; layer++) {
                AttentionWeights attention = model.weights.layers().get(layer).attention();
                assertEquals(layer % 2, attention.owner());
                assertEquals(layer < 2, attention.ownsKv());
                assertEquals(layer < 2 ? 256 : 512, model.weights.layers().get(layer).feedForward().down().columns());
            }
            assertEquals(List.of(0, 1), KvLayout.of(model.config, 100, 8, KvType.F16).layers().stream().map(KvLayerLayout::layer).toList());
            List<String> uploads = model.uploads.stream().map(QuantizedTensor::name).toList();
            assertTrue(uploads.contains("blk.1.attn_k.weight") && uploads.stream().noneMatch(name -> name.matches("blk\\.[23]\\.attn_[kv].*")));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {DENSE, ELASTIC, MOE})
    void chunkedPrefillMatchesOneStepManyTimesAroundTheRing(String fixture) {
        int tokens = 130;
        int[] text;
        float[][] whole;
        // With room for the whole prompt in one step the rings never wrap.
        try (OpenModel model = OpenModel.fast(RewrittenModel.of(fixture), 512)) {
            text = model.randomTokens(tokens, 3);
            whole = model.logits(text);
            assertTrue(KvLayout.of(model.config, tokens, 512, KvType.F32).layers().stream().allMatch(layer -> layer.slots() == tokens));
        }
        for (int chunk : new int[] {1, 7, 16, 17}) {
            try (OpenModel model = OpenModel.fast(RewrittenModel.of(fixture), chunk)) {
                double worst = OpenModel.worst(model.logits(text), whole);
                assertTrue(worst <= OTHER_ORDER, () -> "chunks of " + chunk + ": relative L2 " + worst);
            }
        }
    }

    @Test
    void windowLimitsWhatASlidingLayerSees() {
        // Two layers with a window of 16 reach back 2 * 15 positions and no further.
        RewrittenModel sliding = RewrittenModel.of(DENSE).put("gemma4.block_count", 2)
                .put("gemma4.attention.sliding_window_pattern", List.of(true, true)).put("gemma4.attention.head_count_kv", 2);
        try (OpenModel model = OpenModel.of(sliding, 11)) {
            int[] text = model.randomTokens(40, 4);
            float[] before = model.logits(text)[39];
            int[] other = text.clone();
            other[39 - 2 * 15 - 1] ^= 1;
            assertArrayEquals(before, model.logits(other)[39]);
            other[39 - 2 * 15] ^= 1;
            assertTrue(OpenModel.worst(new float[][] {model.logits(other)[39]}, new float[][] {before}) > 1e-6);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 512})
    void ringsHoldTheWindowOfTheFirstRowOfTheLongestStep(int maxStepRows) {
        Gemma4Config config = Gemma4Config.of(RewrittenModel.of(DENSE).file());
        KvLayout layout = KvLayout.of(config, 1000, maxStepRows, KvType.F16);
        assertEquals(List.of(16 + maxStepRows - 1, 16 + maxStepRows - 1, 1000), layout.layers().stream().map(KvLayerLayout::slots).toList());
        assertEquals(2L * 2 * (256 * 2 * 2 * Math.min(256, 16 + maxStepRows - 1) + 512 * 256), KvLayout.of(config, 1000, maxStepRows, KvType.F16).bytes(200));
    }

    /**
     * Norms before and after each block make the logits independent of the residual's scale and of that of the up projection; a residual or a
     * product of gate and up in 16-bit floats, which end at 65504, would not survive this.
     */
    @Test
    void hugeResidualsAndProductsGiveTheSameLogits() {
        float factor = 0x1p24f;
        RewrittenModel huge = RewrittenModel.of(DENSE);
        GgufTensor embedding = huge.tensor("token_embd.weight");
        huge.tensor("output.weight", embedding.type(), embedding.dimensions(), embedding.bytes());
        huge.asF32("token_embd.weight", values -> scaled(values, factor));
        for (int layer = 0; layer < 3; layer++) {
            huge.asF32("blk." + layer + ".post_attention_norm.weight", values -> scaled(values, factor));
            huge.asF32("blk." + layer + ".post_ffw_norm.weight", values -> scaled(values, factor));
            huge.asF32("blk." + layer + ".ffn_up.weight", values -> scaled(values, factor));
        }
        // The epsilon of the norms counts for less beside larger numbers, so it is made to count for nothing on either side.
        RewrittenModel normal = RewrittenModel.of(DENSE);
        normal.put("gemma4.attention.layer_norm_rms_epsilon", 1e-20f);
        huge.put("gemma4.attention.layer_norm_rms_epsilon", 1e-20f);
        try (OpenModel expected = OpenModel.fast(normal, 8); OpenModel actual = OpenModel.fast(huge, 8)) {
            int[] text = expected.randomTokens(25, 5);
            double worst = OpenModel.worst(actual.logits(text), expected.logits(text));
            assertTrue(worst <= OTHER_ORDER, () -> "relative L2 " + worst);
        }
    }

    private static float[] scaled(float[] values, float factor) {
        for (int i = 0; i < values.length; i++) {
            values[i] *= factor;
        }
        return values;
    }

    private static List<Integer> rows(RecordingBackend backend, String block) {
        return backend.named(block).stream().map(RecordingBackend.Call::rows).toList();
    }

    @Test
    void layersAfterTheLastOwnerRunOnlyForRowsThatWantLogits() {
        RecordingBackend[] recording = new RecordingBackend[1];
        UnaryOperator<ModelBackend> decorate = backend -> {
            recording[0] = RecordingBackend.before(backend);
            return recording[0].asBackend();
        };
        try (OpenModel model = new OpenModel(RewrittenModel.of(ELASTIC).file(), 10, decorate); KvCache cache = model.decoder.newCache(40, KvType.F32)) {
            int[] text = model.randomTokens(40, 6);
            float[][] all = model.logits(text);
            recording[0].calls.clear();
            model.feed(cache, Arrays.copyOf(text, 10), LogitRows.NONE);
            assertEquals(List.of(10, 10), rows(recording[0], "attentionBlock"));
            assertEquals(List.of(10), rows(recording[0], "perLayerInputBlock"));
            assertEquals(List.of(), rows(recording[0], "headBlock"));
            recording[0].calls.clear();
            float[][] last = model.feed(cache, Arrays.copyOfRange(text, 10, 20), LogitRows.LAST);
            assertEquals(List.of(10, 10, 1, 1), rows(recording[0], "attentionBlock"));
            assertEquals(List.of(10, 10, 1, 1), rows(recording[0], "feedForwardBlock"));
            assertEquals(List.of(10, 10, 1, 1), rows(recording[0], "perLayerEmbeddingBlock"));
            assertEquals(List.of(10, 1), rows(recording[0], "perLayerInputBlock"));
            assertEquals(List.of(10, 10), rows(recording[0], "kvUpdate"));
            assertTrue(OpenModel.worst(last, new float[][] {all[19]}) <= OTHER_ORDER);
            recording[0].calls.clear();
            model.feed(cache, Arrays.copyOfRange(text, 20, 30), LogitRows.ALL);
            assertEquals(List.of(10, 10, 10, 10), rows(recording[0], "attentionBlock"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {DENSE, ELASTIC, MOE})
    void headRunsOnTheLastPositionOnly(String fixture) {
        RecordingBackend[] recording = new RecordingBackend[1];
        try (OpenModel model = new OpenModel(RewrittenModel.of(fixture).file(), 10, backend -> {
            recording[0] = RecordingBackend.before(backend);
            return recording[0].asBackend();
        }); KvCache cache = model.decoder.newCache(10, KvType.F32)) {
            assertEquals(1, model.feed(cache, model.randomTokens(10, 7), LogitRows.LAST).length);
            assertEquals(List.of(1), rows(recording[0], "headBlock"));
            assertEquals(List.of(1), rows(recording[0], "softcap"));
            assertEquals(1, recording[0].named("read").size());
        }
    }

    @Test
    void repeatedReservedTokensAreReported() throws Exception {
        int reserved = 5;
        try (Gemma4 model = Gemma4.load(onlyToken(reserved).path(), LoadOptions.defaults().backend(Backend.CPU).threads(1).contextTokens(128))) {
            assertTrue(model.tokenizer().isUnused(reserved));
            assertTrue(logged(() -> model.prompt("a").maxTokens(20).generate()).contains("reserved tokens in a row"));
            assertFalse(logged(() -> model.prompt("a").maxTokens(2).generate()).contains("reserved tokens"));
        }
    }

    /** A model that can say nothing but one token, which is made a reserved one. */
    private static RewrittenModel onlyToken(int token) {
        RewrittenModel model = RewrittenModel.of(DENSE);
        List<Object> texts = new ArrayList<>((List<?>) model.metadata("tokenizer.ggml.tokens"));
        texts.set(token, "<unused" + token + ">");
        List<Object> types = new ArrayList<>((List<?>) model.metadata("tokenizer.ggml.token_type"));
        types.set(token, 5);
        return model.put("tokenizer.ggml.tokens", texts).put("tokenizer.ggml.token_type", types).put("tokenizer.ggml.suppress_tokens",
                IntStream.range(0, texts.size()).filter(other -> other != token).boxed().toList());
    }

    private static String logged(Runnable action) {
        PrintStream before = System.err;
        ByteArrayOutputStream captured = new ByteArrayOutputStream();
        System.setErr(new PrintStream(captured, true, StandardCharsets.UTF_8));
        try {
            action.run();
        } finally {
            System.setErr(before);
        }
        return captured.toString(StandardCharsets.UTF_8);
    }
}
