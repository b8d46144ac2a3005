package io.gemma4j.model;

import io.gemma4j.ModelFormatException;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.gguf.GgufMetadata;
import io.gemma4j.gguf.GgufTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a model file says about its architecture; every variant is told from here alone.
 *
 * @param name the model's name
 * @param hidden width of the residual
 * @param vocabulary number of tokens
 * @param contextTokens longest context the model was made for
 * @param rmsEpsilon added to the mean square in every norm
 * @param ropeBase base of the rotation in full layers
 * @param ropeBaseSliding base of the rotation in sliding layers
 * @param logitSoftcap bound of the logits, 0 for none
 * @param perLayerWidth elements of a per-layer embedding, 0 in models without
 * @param experts routed experts of a layer, 0 in models without
 * @param expertsUsed experts each token goes to
 * @param expertWidth inner width of one expert
 * @param suppressedTokens tokens that must not be generated
 * @param layers geometry of each layer
 */
public record Gemma4Config(String name, int hidden, int vocabulary, int contextTokens, float rmsEpsilon, float ropeBase, float ropeBaseSliding,
        float logitSoftcap, int perLayerWidth, int experts, int expertsUsed, int expertWidth, List<Integer> suppressedTokens,
        List<Layer> layers) {

    /** The value of {@code general.architecture} of the files that can be run. */
    public static final String ARCHITECTURE = "gemma4";

    private static final int MAX_LAYERS = 1024;
    private static final int MAX_WIDTH = 1 << 20;
    private static final int MAX_CONTEXT_TOKENS = 1 << 24;

    /**
     * Geometry of one layer.
     *
     * @param index its place
     * @param window positions a query sees, itself included; in full layers, all of them
     * @param sliding whether attention slides
     * @param heads query heads
     * @param kvHeads key/value heads
     * @param headDim elements of a head
     * @param feedForward inner width of the feed-forward block
     * @param kvOwner the layer whose keys and values are used
     */
    public record Layer(int index, int window, boolean sliding, int heads, int kvHeads, int headDim, int feedForward, int kvOwner) {

        /** Whether the layer has keys and values of its own. */
        public boolean ownsKv() {
            return kvOwner == index;
        }
    }

    /** The first layer after the last one that owns keys and values; the number of layers if that is the last layer. */
    public int firstKvSharingLayer() {
        int first = layers.size();
        while (!layers.get(first - 1).ownsKv()) {
            first--;
        }
        return first;
    }

    /**
     * Reads and checks the configuration.
     *
     * @throws ModelFormatException if the file holds another architecture, or a value is missing, out of range or contradicts another
     */
    public static Gemma4Config of(GgufFile file) {
        GgufMetadata metadata = file.metadata();
        String architecture = metadata.string("general.architecture");
        if (!architecture.equals(ARCHITECTURE)) {
            throw metadata.unexpected("general.architecture", "'" + ARCHITECTURE + "' (the only supported architecture)", "'" + architecture + "'");
        }
        GgufTensor embedding = file.tensor("token_embd.weight")
                .orElseThrow(() -> new ModelFormatException(metadata.source(), "tensor 'token_embd.weight'", "the token embedding", "no such tensor"));
        return new Reader(metadata).read(embedding);
    }

    private record Reader(GgufMetadata metadata) {

        Gemma4Config read(GgufTensor embedding) {
            int hidden = integer("embedding_length", 1, MAX_WIDTH);
            long vocabulary = embedding.dimensions().size() == 2 ? embedding.dimensions().get(1) : -1;
            if (vocabulary < 1 || vocabulary > Integer.MAX_VALUE || embedding.dimensions().get(0) != hidden) {
                throw new ModelFormatException(metadata.source(), "tensor 'token_embd.weight'", "dimensions [" + hidden + ", vocabulary]",
                        embedding.dimensions().toString());
            }
            int experts = integer("expert_count", 0, 1 << 16, 0);
            return new Gemma4Config(metadata.findString("general.name").orElse("gemma4"), hidden, (int) vocabulary,
                    integer("context_length", 1, MAX_CONTEXT_TOKENS), positive("attention.layer_norm_rms_epsilon", 1e-6f),
                    positive("rope.freq_base", 1e6f), positive("rope.freq_base_swa", 1e4f),
                    softcap(), integer("embedding_length_per_layer_input", 0, MAX_WIDTH, 0),
                    experts, experts == 0 ? 0 : integer("expert_used_count", 1, experts),
                    experts == 0 ? 0 : integer("expert_feed_forward_length", 1, MAX_WIDTH), suppressedTokens((int) vocabulary), layers());
        }

        private List<Layer> layers() {
            int count = integer("block_count", 1, MAX_LAYERS);
            int shared = integer("attention.shared_kv_layers", 0, count - 1, 0);
            int[] heads = perLayer("attention.head_count", count);
            int[] kvHeads = perLayer("attention.head_count_kv", count);
            int[] feedForward = perLayer("feed_forward_length", count);
            List<Boolean> sliding = slidingPattern(count);
            int headDim = headDim("");
            int headDimSliding = sliding.contains(true) ? headDim("_swa") : headDim;
            int window = sliding.contains(true) ? integer("attention.sliding_window", 1, MAX_CONTEXT_TOKENS) : 0;
            List<Layer> layers = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                boolean slides = sliding.get(i);
                if (heads[i] % kvHeads[i] != 0) {
                    throw metadata.unexpected(key("attention.head_count_kv"), "a divisor of " + heads[i] + " heads in layer " + i, kvHeads[i]);
                }
                int layerHeadDim = slides ? headDimSliding : headDim;
                if (heads[i] > MAX_WIDTH / layerHeadDim) {
                    throw metadata.unexpected(key("attention.head_count"),
                            "at most " + MAX_WIDTH / layerHeadDim + " heads of " + layerHeadDim + " elements in layer " + i, heads[i]);
                }
                layers.add(new Layer(i, slides ? window : Integer.MAX_VALUE, slides, heads[i], kvHeads[i], layerHeadDim, feedForward[i],
                        i < count - shared ? i : kvOwner(layers, count - shared, slides, i)));
            }
            return List.copyOf(layers);
        }

        // A layer without keys and values uses those of the last layer of its kind that has them, wherever that stands.
        private int kvOwner(List<Layer> layers, int owning, boolean sliding, int index) {
            for (int i = owning - 1; i >= 0; i--) {
                if (layers.get(i).sliding() == sliding) {
                    return i;
                }
            }
            throw metadata.unexpected(key("attention.shared_kv_layers"),
                    "a " + (sliding ? "sliding" : "full") + " layer with keys and values before layer " + index, "none");
        }

        private int headDim(String suffix) {
            int headDim = integer("attention.key_length" + suffix, 2, 1 << 16);
            if (headDim % 2 != 0) {
                throw metadata.unexpected(key("attention.key_length" + suffix), "an even number", headDim);
            }
            for (String same : List.of("attention.value_length", "rope.dimension_count")) {
                int value = metadata.findInteger(key(same + suffix)).orElse(headDim);
                if (value != headDim) {
                    throw metadata.unexpected(key(same + suffix), "the key length " + headDim, value);
                }
            }
            return headDim;
        }

        private List<Boolean> slidingPattern(int count) {
            String key = key("attention.sliding_window_pattern");
            List<Boolean> pattern = metadata.findBools(key).orElseThrow(() -> metadata.unexpected(key, "true or false for each layer", "nothing"));
            if (pattern.size() != count) {
                throw metadata.unexpected(key, count + " values", pattern.size() + " values");
            }
            return pattern;
        }

        private int[] perLayer(String name, int count) {
            int[] values = new int[count];
            if (metadata.isArray(key(name))) {
                int[] given = metadata.findIntegers(key(name)).orElseThrow();
                if (given.length != count) {
                    throw metadata.unexpected(key(name), count + " values", given.length + " values");
                }
                values = given;
            } else {
                Arrays.fill(values, metadata.integer(key(name)));
            }
            for (int value : values) {
                if (value < 1 || value > MAX_WIDTH) {
                    throw metadata.unexpected(key(name), "values from 1 to " + MAX_WIDTH, value);
                }
            }
            return values;
        }

        private List<Integer> suppressedTokens(int vocabulary) {
            String key = "tokenizer.ggml.suppress_tokens";
            List<Integer> tokens = new ArrayList<>();
            for (int token : metadata.findIntegers(key).orElse(new int[0])) {
                if (token < 0 || token >= vocabulary) {
                    throw metadata.unexpected(key, "tokens below " + vocabulary, token);
                }
                tokens.add(token);
            }
            return List.copyOf(tokens);
        }

        private float softcap() {
            String key = key("final_logit_softcapping");
            float cap = metadata.findFloating(key).orElse(0f);
            if (!(cap >= 0) || Float.isInfinite(cap)) {
                throw metadata.unexpected(key, "a positive number, or 0 for none", cap);
            }
            return cap;
        }

        private float positive(String name, float otherwise) {
            float value = metadata.findFloating(key(name)).orElse(otherwise);
            if (!(value > 0) || Float.isInfinite(value)) {
                throw metadata.unexpected(key(name), "a positive number", value);
            }
            return value;
        }

        private int integer(String name, int min, int max, int otherwise) {
            return metadata.has(key(name)) ? integer(name, min, max) : otherwise;
        }

        private int integer(String name, int min, int max) {
            int value = metadata.integer(key(name));
            if (value < min || value > max) {
                throw metadata.unexpected(key(name), "a value from " + min + " to " + max, value);
            }
            return value;
        }

        private static String key(String name) {
            return ARCHITECTURE + "." + name;
        }
    }
}
