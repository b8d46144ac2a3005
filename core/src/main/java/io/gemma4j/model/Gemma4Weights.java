package io.gemma4j.model;

import io.gemma4j.ModelFormatException;
import io.gemma4j.backend.AttentionWeights;
import io.gemma4j.backend.ExpertWeights;
import io.gemma4j.backend.FeedForwardWeights;
import io.gemma4j.backend.HeadWeights;
import io.gemma4j.backend.LayerWeights;
import io.gemma4j.backend.PerLayerEmbeddingWeights;
import io.gemma4j.backend.PerLayerInputWeights;
import io.gemma4j.backend.RopeFrequencies;
import io.gemma4j.backend.Weight;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.tensor.QuantizedTensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * The weights of a model where a backend can compute with them. Gate and up projections are joined here, once for every backend, by putting their
 * rows one after the other, where type and width agree.
 *
 * @param tokenEmbedding {@code [vocabulary][hidden]}
 * @param perLayerInputs one part for the layers with keys and values of their own and one for those after them; empty in models without
 * @param layers in order
 * @param head after the last layer
 */
public record Gemma4Weights(Weight tokenEmbedding, List<PerLayerInputWeights> perLayerInputs, List<LayerWeights> layers, HeadWeights head) {

    /**
     * Takes every tensor the configuration calls for, checks its shape, and uploads it.
     *
     * @param upload makes a tensor available on the backend
     * @throws ModelFormatException if a tensor is missing, has another shape or a type that cannot be computed with
     */
    public static Gemma4Weights of(GgufFile file, Gemma4Config config, Function<QuantizedTensor, Weight> upload) {
        return new Loader(new ModelTensors(file), config, upload).load();
    }

    private record Loader(ModelTensors tensors, Gemma4Config config, Function<QuantizedTensor, Weight> upload) {

        Gemma4Weights load() {
            int hidden = config.hidden();
            Weight embedding = matrix("token_embd.weight", config.vocabulary(), hidden);
            Weight output = tensors.has("output.weight") ? matrix("output.weight", config.vocabulary(), hidden) : embedding;
            List<LayerWeights> layers = new ArrayList<>();
            RopeFrequencies full = null;
            RopeFrequencies sliding = null;
            for (Gemma4Config.Layer layer : config.layers()) {
                if (layer.sliding() && sliding == null) {
                    sliding = RopeFrequencies.of(layer.headDim(), config.ropeBaseSliding(), null);
                } else if (!layer.sliding() && full == null) {
                    full = RopeFrequencies.of(layer.headDim(), config.ropeBase(), ropeFactors(layer.headDim()));
                }
                layers.add(layer(layer, layer.sliding() ? sliding : full));
            }
            HeadWeights head = new HeadWeights(vector("output_norm.weight", hidden), output, config.logitSoftcap());
            return new Gemma4Weights(embedding, perLayerInputs(), List.copyOf(layers), head);
        }

        private float[] ropeFactors(int headDim) {
            if (!tensors.has("rope_freqs.weight")) {
                return null;
            }
            float[] factors = tensors.floats("rope_freqs.weight", headDim / 2);
            for (float factor : factors) {
                if (!(factor > 0)) {
                    throw new ModelFormatException(source(), "tensor 'rope_freqs.weight'", "positive divisors", Float.toString(factor));
                }
            }
            return factors;
        }

        private List<PerLayerInputWeights> perLayerInputs() {
            int width = config.perLayerWidth();
            if (width == 0) {
                return List.of();
            }
            int layers = config.layers().size();
            int owning = config.firstKvSharingLayer();
            Weight table = matrix("per_layer_token_embd.weight", config.vocabulary(), layers * width);
            if (width % table.type().blockElements() != 0) {
                throw new ModelFormatException(source(), "tensor 'per_layer_token_embd.weight'",
                        "a type whose blocks divide the " + width + " elements of a layer", "type " + table.type());
            }
            QuantizedTensor projection = tensors.matrix("per_layer_model_proj.weight", (long) layers * width, config.hidden());
            Weight norm = vector("per_layer_proj_norm.weight", width);
            List<PerLayerInputWeights> parts = new ArrayList<>();
            parts.add(new PerLayerInputWeights(0, owning, width, table, upload.apply(projection.rows(0, (long) owning * width)), norm));
            if (owning < layers) {
                Weight rest = upload.apply(projection.rows((long) owning * width, (long) (layers - owning) * width));
                parts.add(new PerLayerInputWeights(owning, layers - owning, width, table, rest, norm));
            }
            return List.copyOf(parts);
        }

        private LayerWeights layer(Gemma4Config.Layer layer, RopeFrequencies rope) {
            String prefix = "blk." + layer.index() + ".";
            int hidden = config.hidden();
            float scale = tensors.has(prefix + "layer_output_scale.weight") ? tensors.floats(prefix + "layer_output_scale.weight", 1)[0] : 1;
            PerLayerEmbeddingWeights perLayer = config.perLayerWidth() == 0 ? null
                    : new PerLayerEmbeddingWeights(matrix(prefix + "inp_gate.weight", config.perLayerWidth(), hidden),
                            matrix(prefix + "proj.weight", hidden, config.perLayerWidth()), vector(prefix + "post_norm.weight", hidden));
            return new LayerWeights(attention(prefix, layer, rope), feedForward(prefix, layer), config.experts() == 0 ? null : experts(prefix),
                    perLayer, scale);
        }

        private AttentionWeights attention(String prefix, Gemma4Config.Layer layer, RopeFrequencies rope) {
            int hidden = config.hidden();
            int queries = layer.heads() * layer.headDim();
            int keys = layer.kvHeads() * layer.headDim();
            boolean owns = layer.ownsKv();
            // Layers that use another's cache may still carry these tensors; they are not used.
            Weight key = owns ? matrix(prefix + "attn_k.weight", keys, hidden) : null;
            Weight value = owns && tensors.has(prefix + "attn_v.weight") ? matrix(prefix + "attn_v.weight", keys, hidden) : null;
            Weight keyNorm = owns ? vector(prefix + "attn_k_norm.weight", layer.headDim()) : null;
            return new AttentionWeights(layer.heads(), layer.kvHeads(), layer.headDim(), layer.window(), layer.kvOwner(), rope,
                    vector(prefix + "attn_norm.weight", hidden), matrix(prefix + "attn_q.weight", queries, hidden), key, value,
                    vector(prefix + "attn_q_norm.weight", layer.headDim()), keyNorm, matrix(prefix + "attn_output.weight", hidden, queries),
                    vector(prefix + "post_attention_norm.weight", hidden));
        }

        private FeedForwardWeights feedForward(String prefix, Gemma4Config.Layer layer) {
            int hidden = config.hidden();
            int width = layer.feedForward();
            QuantizedTensor gate = tensors.matrix(prefix + "ffn_gate.weight", width, hidden);
            QuantizedTensor up = tensors.matrix(prefix + "ffn_up.weight", width, hidden);
            boolean joined = gate.sameLayout(up);
            return new FeedForwardWeights(vector(prefix + "ffn_norm.weight", hidden),
                    joined ? upload.apply(QuantizedTensor.concatRows(prefix + "ffn_gate_up", gate, up)) : null, joined ? null : upload.apply(gate),
                    joined ? null : upload.apply(up), matrix(prefix + "ffn_down.weight", hidden, width),
                    vector(prefix + "post_ffw_norm.weight", hidden));
        }

        private ExpertWeights experts(String prefix) {
            int hidden = config.hidden();
            int experts = config.experts();
            int width = config.expertWidth();
            boolean joined = tensors.has(prefix + "ffn_gate_up_exps.weight");
            Weight routerNorm = upload.apply(tensors.scaledVector(prefix + "ffn_gate_inp.scale", hidden, 1 / Math.sqrt(hidden)));
            return new ExpertWeights(routerNorm, matrix(prefix + "ffn_gate_inp.weight", experts, hidden),
                    vector(prefix + "pre_ffw_norm_2.weight", hidden),
                    joined ? stack(prefix + "ffn_gate_up_exps.weight", 2 * width, hidden) : null,
                    joined ? null : stack(prefix + "ffn_gate_exps.weight", width, hidden),
                    joined ? null : stack(prefix + "ffn_up_exps.weight", width, hidden), stack(prefix + "ffn_down_exps.weight", hidden, width),
                    vector(prefix + "ffn_down_exps.scale", experts), vector(prefix + "post_ffw_norm_1.weight", hidden),
                    vector(prefix + "post_ffw_norm_2.weight", hidden));
        }

        private String source() {
            return tensors.file().metadata().source();
        }

        private Weight matrix(String name, long rows, int columns) {
            return upload.apply(tensors.matrix(name, rows, columns));
        }

        private Weight stack(String name, long rows, int columns) {
            return upload.apply(tensors.stack(name, config.experts(), rows, columns));
        }

        private Weight vector(String name, int elements) {
            return upload.apply(tensors.vector(name, elements));
        }
    }
}
