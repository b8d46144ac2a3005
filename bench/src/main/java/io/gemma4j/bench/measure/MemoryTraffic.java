package io.gemma4j.bench.measure;

import io.gemma4j.KvType;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.gguf.GgufTensor;
import io.gemma4j.model.Gemma4Config;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What one generated token must read from memory: every weight once, of the experts those it goes to, of the tables its row, and the keys and
 * values that each layer looks at.
 *
 * @param config of the model
 * @param weightBytes of weights
 * @param kvType how the cache holds keys and values
 */
public record MemoryTraffic(Gemma4Config config, long weightBytes, KvType kvType) {
    private static final Pattern UNUSED_WHERE_KV_IS_SHARED = Pattern.compile("blk\\.(\\d+)\\.attn_(?:k|v|k_norm)\\.weight");

    /** Adds up the tensors of a file. */
    public static MemoryTraffic of(GgufFile file, KvType kvType) {
        Gemma4Config config = Gemma4Config.of(file);
        boolean tied = file.tensor("output.weight").isEmpty();
        long bytes = file.tensors().stream().mapToLong(tensor -> weightBytes(tensor, config, tied)).sum();
        return new MemoryTraffic(config, bytes, kvType);
    }

    private static long weightBytes(GgufTensor tensor, Gemma4Config config, boolean tied) {
        long bytes = tensor.bytes().byteSize();
        String name = tensor.name();
        if (name.equals("per_layer_token_embd.weight") || name.equals("token_embd.weight") && !tied) {
            return bytes / config.vocabulary();
        }
        if (name.endsWith("_exps.weight")) {
            return bytes / config.experts() * config.expertsUsed();
        }
        Matcher unused = UNUSED_WHERE_KV_IS_SHARED.matcher(name);
        return unused.matches() && !config.layers().get(Integer.parseInt(unused.group(1))).ownsKv() ? 0 : bytes;
    }

    /** Bytes read for the token at a position. */
    public long bytesPerToken(int position) {
        long bytes = weightBytes;
        for (Gemma4Config.Layer layer : config.layers()) {
            KvType type = layer.sliding() ? kvType.ofSlidingLayers() : kvType;
            bytes += 2L * Math.min(layer.window(), position + 1) * layer.kvHeads() * type.headBytes(layer.headDim());
        }
        return bytes;
    }
}
