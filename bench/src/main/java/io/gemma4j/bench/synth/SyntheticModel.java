package io.gemma4j.bench.synth;

import io.gemma4j.ModelFormatException;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.gguf.GgufMetadata;
import io.gemma4j.gguf.GgufValueType;
import io.gemma4j.gguf.GgufWriter;
import io.gemma4j.gguf.ParallelContent;
import io.gemma4j.quantize.TypeMix;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;

/**
 * A complete GGUF file of a published size with random weights: for measuring speed, which depends on shapes and types alone. Weights are scaled
 * so that activations stay of ordinary size through all layers and logits are spread, not saturated. The same arguments give the same file.
 */
public final class SyntheticModel {
    private static final long SEED = 4;

    private SyntheticModel() {}

    /**
     * Writes a model with a made-up vocabulary.
     *
     * @param preset its size
     * @param layers number of layers, 0 for all
     * @param mix its types
     * @param path the file
     * @throws IOException if it cannot be written
     */
    public static void write(Preset preset, int layers, TypeMix mix, Path path) throws IOException {
        GgufWriter writer = new GgufWriter();
        SyntheticVocabulary.put(SyntheticVocabulary.PUBLISHED_SIZE, writer);
        write(reduced(preset, layers), mix, SyntheticVocabulary.PUBLISHED_SIZE, writer, path);
    }

    /**
     * Writes a model with the vocabulary of a file.
     *
     * @param preset its size
     * @param layers number of layers, 0 for all
     * @param mix its types
     * @param vocabulary a GGUF file with a tokenizer
     * @param path the file
     * @throws IOException if a file cannot be read or written
     * @throws ModelFormatException if {@code vocabulary} has no tokenizer
     */
    public static void write(Preset preset, int layers, TypeMix mix, Path vocabulary, Path path) throws IOException {
        GgufWriter writer = new GgufWriter();
        try (Arena arena = Arena.ofConfined()) {
            GgufMetadata metadata = GgufFile.open(vocabulary, arena).metadata();
            int size = metadata.strings("tokenizer.ggml.tokens").size();
            metadata.asMap().forEach((key, value) -> {
                if (key.startsWith("tokenizer.")) {
                    writer.put(key, value);
                }
            });
            write(reduced(preset, layers), mix, size, writer, path);
        }
    }

    /**
     * Writes the made-up vocabulary alone.
     *
     * @param path the file
     * @throws IOException if it cannot be written
     */
    public static void writeVocabulary(Path path) throws IOException {
        GgufWriter writer = new GgufWriter();
        SyntheticVocabulary.put(SyntheticVocabulary.PUBLISHED_SIZE, writer);
        writer.write(path);
    }

    /** Writes a small model of any shape. */
    static void write(Architecture architecture, TypeMix mix, int vocabulary, Path path) throws IOException {
        GgufWriter writer = new GgufWriter();
        SyntheticVocabulary.put(vocabulary, writer);
        write(architecture, mix, vocabulary, writer, path);
    }

    private static Architecture reduced(Preset preset, int layers) {
        return layers == 0 ? preset.architecture() : preset.architecture().layers(layers);
    }

    private static void write(Architecture architecture, TypeMix mix, int vocabulary, GgufWriter writer, Path path) throws IOException {
        putArchitecture(architecture, mix, writer);
        try (ParallelContent content = new ParallelContent(Runtime.getRuntime().availableProcessors(), "synth")) {
            for (TensorPlan.Tensor tensor : TensorPlan.of(architecture, mix, vocabulary)) {
                long elements = LongStream.of(tensor.dimensions()).reduce(1, Math::multiplyExact);
                writer.tensor(tensor.name(), tensor.type(), tensor.dimensions(),
                        content.of(tensor.type(), elements, (block, buffer) -> fill(tensor, block, buffer), written -> {}));
            }
            writer.write(path);
        }
    }

    /** What a chunk holds depends on tensor and place alone. */
    private static void fill(TensorPlan.Tensor tensor, long firstBlock, ByteBuffer buffer) {
        long seed = 31 * (31 * SEED + tensor.name().hashCode()) + firstBlock;
        new RandomElements(seed).fill(tensor.type(), tensor.values(), firstBlock * tensor.type().blockElements(), buffer);
    }

    private static void putArchitecture(Architecture architecture, TypeMix mix, GgufWriter writer) {
        List<Architecture.Layer> layers = architecture.layers();
        writer.put("general.architecture", "gemma4").put("general.name", "synthetic gemma-4 " + architecture.name());
        put(writer, "block_count", architecture.layerCount());
        put(writer, "context_length", architecture.contextTokens());
        put(writer, "embedding_length", architecture.hidden());
        putPerLayer(writer, "feed_forward_length", layers.stream().map(Architecture.Layer::feedForward).toList());
        put(writer, "attention.head_count", architecture.heads());
        putPerLayer(writer, "attention.head_count_kv", layers.stream().map(Architecture.Layer::kvHeads).toList());
        writer.put("gemma4.attention.layer_norm_rms_epsilon", 1e-6f)
                .put("gemma4.rope.freq_base", 1e6f)
                .put("gemma4.rope.freq_base_swa", 1e4f)
                .put("gemma4.final_logit_softcapping", 30f)
                .putArray("gemma4.attention.sliding_window_pattern", layers.stream().map(Architecture.Layer::sliding).toList(), GgufValueType.BOOL);
        put(writer, "attention.sliding_window", architecture.window());
        put(writer, "attention.shared_kv_layers", architecture.sharingLayers());
        put(writer, "embedding_length_per_layer_input", architecture.perLayerWidth());
        for (String key : List.of("attention.key_length", "attention.value_length", "rope.dimension_count")) {
            put(writer, key, architecture.fullHeadDim());
            put(writer, key + "_swa", architecture.slidingHeadDim());
        }
        if (architecture.experts() > 0) {
            put(writer, "expert_count", architecture.experts());
            put(writer, "expert_used_count", architecture.expertsUsed());
            put(writer, "expert_feed_forward_length", architecture.expertWidth());
        }
        writer.put("general.quantization_version", GgufValueType.U32, 2).put("general.file_type", GgufValueType.U32, mix.fileType());
    }

    private static void put(GgufWriter writer, String key, int value) {
        writer.put("gemma4." + key, GgufValueType.U32, value);
    }

    /** One number where all layers have the same. */
    private static void putPerLayer(GgufWriter writer, String key, List<Integer> values) {
        if (values.stream().distinct().count() == 1) {
            put(writer, key, values.getFirst());
        } else {
            writer.putArray("gemma4." + key, values, GgufValueType.I32);
        }
    }
}
