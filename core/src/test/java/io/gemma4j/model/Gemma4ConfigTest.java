package io.gemma4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.ModelFormatException;
import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class Gemma4ConfigTest {
    private static final String DENSE = "dense-mini-Q4_K_M";
    private static final String ELASTIC = "elastic-mini-Q8_0";
    private static final String MOE = "moe-mini-Q4_K_M";

    private static Gemma4Config read(RewrittenModel model) {
        return Gemma4Config.of(model.file());
    }

    private static void assertRefused(RewrittenModel model, String... parts) {
        String message = assertThrows(ModelFormatException.class, () -> read(model)).getMessage();
        for (String part : parts) {
            assertTrue(message.contains(part), () -> "'" + part + "' in: " + message);
        }
        assertTrue(message.startsWith("rewritten.gguf: "), message);
    }

    @Test
    void everythingComesFromTheFile() {
        Gemma4Config dense = read(RewrittenModel.of(DENSE));
        assertEquals(256, dense.hidden());
        assertEquals(1024, dense.vocabulary());
        assertEquals(4096, dense.contextTokens());
        assertEquals(30, dense.logitSoftcap());
        assertEquals(0, dense.experts());
        assertEquals(List.of(new Gemma4Config.Layer(0, 16, true, 4, 2, 256, 256, 0), new Gemma4Config.Layer(1, 16, true, 4, 2, 256, 256, 1),
                new Gemma4Config.Layer(2, Integer.MAX_VALUE, false, 4, 1, 512, 256, 2)), dense.layers());
        assertEquals(3, dense.firstKvSharingLayer());
        Gemma4Config moe = read(RewrittenModel.of(MOE));
        assertEquals(List.of(8, 2, 256), List.of(moe.experts(), moe.expertsUsed(), moe.expertWidth()));
    }

    @Test
    void sharingLayersUseTheLastOwnerOfTheirKindWhereverItStands() {
        Gemma4Config config = read(RewrittenModel.of(ELASTIC));
        assertEquals(256, config.perLayerWidth());
        assertEquals(2, config.firstKvSharingLayer());
        assertEquals(List.of(0, 1, 0, 1), config.layers().stream().map(Gemma4Config.Layer::kvOwner).toList());
        assertEquals(List.of(true, true, false, false), config.layers().stream().map(Gemma4Config.Layer::ownsKv).toList());
        assertEquals(List.of(256, 256, 512, 512), config.layers().stream().map(Gemma4Config.Layer::feedForward).toList());

        // One sharing layer of each kind after owners full, sliding, sliding.
        Gemma4Config other = read(RewrittenModel.of(ELASTIC).put("gemma4.block_count", 5).put("gemma4.attention.shared_kv_layers", 2)
                .put("gemma4.feed_forward_length", 256).put("gemma4.attention.sliding_window_pattern", List.of(false, true, true, false, true)));
        assertEquals(List.of(0, 1, 2, 0, 2), other.layers().stream().map(Gemma4Config.Layer::kvOwner).toList());
        assertEquals(3, other.firstKvSharingLayer());
    }

    @Test
    void headCountsMayDifferFromLayerToLayer() {
        Gemma4Config config = read(RewrittenModel.of(DENSE).put("gemma4.attention.head_count", List.of(4, 8, 2)));
        assertEquals(List.of(4, 8, 2), config.layers().stream().map(Gemma4Config.Layer::heads).toList());
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "general.name", "gemma4.attention.layer_norm_rms_epsilon", "gemma4.rope.freq_base", "gemma4.rope.freq_base_swa",
        "gemma4.final_logit_softcapping", "gemma4.attention.shared_kv_layers", "gemma4.embedding_length_per_layer_input",
        "gemma4.attention.value_length", "gemma4.attention.value_length_swa", "gemma4.rope.dimension_count", "gemma4.rope.dimension_count_swa"
    })
    void optionalKeysMayBeMissing(String key) {
        Gemma4Config config = read(RewrittenModel.of(DENSE).put(key, null));
        assertEquals(key.endsWith("softcapping") ? 0 : 30, config.logitSoftcap());
        assertEquals(1e-6f, config.rmsEpsilon());
        assertEquals(1e6f, config.ropeBase());
        assertEquals(1e4f, config.ropeBaseSliding());
        assertEquals(0, config.perLayerWidth());
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "general.architecture", "gemma4.block_count", "gemma4.context_length", "gemma4.embedding_length", "gemma4.feed_forward_length",
        "gemma4.attention.head_count", "gemma4.attention.head_count_kv", "gemma4.attention.sliding_window",
        "gemma4.attention.sliding_window_pattern", "gemma4.attention.key_length", "gemma4.attention.key_length_swa"
    })
    void requiredKeysAreNamedWhenMissing(String key) {
        assertRefused(RewrittenModel.of(DENSE).put(key, null), "key '" + key + "'", "found nothing");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gemma4.expert_used_count", "gemma4.expert_feed_forward_length"})
    void keysThatExpertsNeedAreNamedWhenMissing(String key) {
        assertRefused(RewrittenModel.of(MOE).put(key, null), "key '" + key + "'", "found nothing");
    }

    static Stream<Arguments> valuesThatMakeNoSense() {
        return Stream.of(
                Arguments.of("gemma4.block_count", 0, "1 to 1024"), Arguments.of("gemma4.block_count", 1025, "1025"),
                Arguments.of("gemma4.block_count", "three", "an integer"), Arguments.of("gemma4.block_count", 5_000_000_000L, "32-bit"),
                Arguments.of("gemma4.context_length", 0, "found 0"), Arguments.of("gemma4.context_length", 1 << 25, "16777216"),
                Arguments.of("gemma4.embedding_length", -1, "found -1"), Arguments.of("gemma4.feed_forward_length", 0, "values from 1"),
                Arguments.of("gemma4.feed_forward_length", List.of(256, 256), "3 values, found 2 values"),
                Arguments.of("gemma4.attention.head_count", List.of(4, 4, 4, 4), "3 values, found 4 values"),
                Arguments.of("gemma4.attention.head_count", 1 << 13, "at most 4096 heads of 256 elements in layer 0, found 8192"),
                Arguments.of("gemma4.attention.head_count_kv", List.of(2, 3, 1), "a divisor of 4 heads in layer 1, found 3"),
                Arguments.of("gemma4.attention.head_count_kv", List.of(2, 0, 1), "found 0"),
                Arguments.of("gemma4.attention.layer_norm_rms_epsilon", 0f, "a positive number"),
                Arguments.of("gemma4.attention.layer_norm_rms_epsilon", Float.NaN, "NaN"),
                Arguments.of("gemma4.rope.freq_base", -1f, "found -1.0"), Arguments.of("gemma4.rope.freq_base_swa", Float.POSITIVE_INFINITY, "Infinity"),
                Arguments.of("gemma4.final_logit_softcapping", -30f, "found -30.0"),
                Arguments.of("gemma4.final_logit_softcapping", Float.NaN, "NaN"),
                Arguments.of("gemma4.attention.sliding_window", 0, "found 0"),
                Arguments.of("gemma4.attention.sliding_window_pattern", List.of(true, false), "3 values, found 2 values"),
                Arguments.of("gemma4.attention.sliding_window_pattern", List.of(1, 1, 0), "true or false"),
                Arguments.of("gemma4.attention.shared_kv_layers", 3, "0 to 2"),
                Arguments.of("gemma4.attention.shared_kv_layers", 1, "a full layer with keys and values before layer 2, found none"),
                Arguments.of("gemma4.attention.key_length", 511, "an even number, found 511"), Arguments.of("gemma4.attention.key_length", 1, "2 to 65536"),
                Arguments.of("gemma4.attention.value_length", 256, "the key length 512, found 256"),
                Arguments.of("gemma4.rope.dimension_count_swa", 128, "the key length 256, found 128"),
                Arguments.of("gemma4.embedding_length_per_layer_input", -2, "found -2"),
                Arguments.of("tokenizer.ggml.suppress_tokens", List.of(5, 1024), "tokens below 1024, found 1024"),
                Arguments.of("tokenizer.ggml.suppress_tokens", List.of(-1), "found -1"),
                Arguments.of("general.architecture", "gemma3", "'gemma4' (the only supported architecture), found 'gemma3'"));
    }

    @ParameterizedTest
    @MethodSource
    void valuesThatMakeNoSense(String key, Object value, String complaint) {
        assertRefused(RewrittenModel.of(DENSE).put(key, value), "key '" + key + "'", complaint);
    }

    @Test
    void moreExpertsUsedThanThereAreAreRefused() {
        assertRefused(RewrittenModel.of(MOE).put("gemma4.expert_used_count", 9), "key 'gemma4.expert_used_count'", "1 to 8", "found 9");
    }

    @Test
    void embeddingHasToBeThereAndToFit() {
        assertRefused(RewrittenModel.of(DENSE).remove("token_embd.weight"), "tensor 'token_embd.weight'", "no such tensor");
        assertRefused(RewrittenModel.of(DENSE).put("gemma4.embedding_length", 512), "tensor 'token_embd.weight'", "[512, vocabulary]", "[256, 1024]");
        assertRefused(RewrittenModel.of(DENSE).tensor("token_embd.weight", GgmlType.F32, List.of(256L), MemorySegment.ofArray(new byte[1024])),
                "tensor 'token_embd.weight'", "[256]");
    }

    @Test
    void fullModelsNeedNoWindow() {
        Gemma4Config config = read(RewrittenModel.of(DENSE).put("gemma4.attention.sliding_window", null).put("gemma4.attention.key_length_swa", null)
                .put("gemma4.attention.sliding_window_pattern", List.of(false, false, false)));
        assertFalse(config.layers().stream().anyMatch(Gemma4Config.Layer::sliding));
    }

    @Test
    void suppressedTokensAreKept() {
        assertEquals(List.of(7, 9), read(RewrittenModel.of(DENSE).put("tokenizer.ggml.suppress_tokens", List.of(7, 9))).suppressedTokens());
    }
}
