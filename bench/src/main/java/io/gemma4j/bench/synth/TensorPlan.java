package io.gemma4j.bench.synth;

import io.gemma4j.gguf.GgmlType;
import io.gemma4j.quantize.TypeMix;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/** The tensors of a model: names, types, shapes and how their elements are distributed. */
final class TensorPlan {
    private final Architecture architecture;
    private final GgmlType unquantized;
    private final List<Tensor> tensors = new ArrayList<>();

    /**
     * One tensor.
     *
     * @param name in the file
     * @param type of its elements
     * @param dimensions innermost first
     * @param values of its elements
     */
    record Tensor(String name, GgmlType type, long[] dimensions, Distribution values) {}

    private TensorPlan(Architecture architecture, TypeMix mix) {
        this.architecture = architecture;
        this.unquantized = mix == TypeMix.F16 ? GgmlType.F16 : GgmlType.BF16;
    }

    /** All tensors of such a model, in file order. */
    static List<Tensor> of(Architecture architecture, TypeMix mix, int vocabulary) {
        TensorPlan plan = new TensorPlan(architecture, mix);
        plan.model(vocabulary);
        for (Architecture.Layer layer : architecture.layers()) {
            plan.attention(layer);
            plan.feedForward(layer);
        }
        Map<String, GgmlType> types = mix.types(plan.tensors.stream()
                .map(tensor -> new TypeMix.Tensor(tensor.name(), tensor.type(), LongStream.of(tensor.dimensions()).boxed().toList())).toList());
        return plan.tensors.stream()
                .map(tensor -> new Tensor(tensor.name(), types.get(tensor.name()), tensor.dimensions(), tensor.values())).toList();
    }

    private boolean hasValues(Architecture.Layer layer) {
        return layer.ownsKv() && (layer.sliding() || !architecture.valueIsKey());
    }

    private void model(int vocabulary) {
        int hidden = architecture.hidden();
        // Either sign: a tied head would give the token just read the highest logit, far from all others.
        vector("output_norm.weight", hidden, Distribution.eitherSign(3));
        vector("rope_freqs.weight", architecture.fullHeadDim() / 2, Distribution.ropeFactors(architecture.fullHeadDim() / 8));
        table("token_embd.weight", hidden, vocabulary, 1 / Math.sqrt(hidden));
        int perLayer = architecture.perLayerWidth();
        if (perLayer > 0) {
            int all = architecture.layerCount() * perLayer;
            table("per_layer_token_embd.weight", all, vocabulary, 1 / Math.sqrt(perLayer));
            matrix("per_layer_model_proj.weight", hidden, all);
            vector("per_layer_proj_norm.weight", perLayer, Distribution.around(1));
        }
    }

    private void attention(Architecture.Layer layer) {
        String prefix = "blk." + layer.index() + ".";
        int hidden = architecture.hidden();
        int queries = architecture.heads() * layer.headDim();
        int keys = layer.kvHeads() * layer.headDim();
        vector(prefix + "attn_norm.weight", hidden, Distribution.around(1));
        matrix(prefix + "attn_q.weight", hidden, queries);
        // Scores have no other scale: these keep their deviation near 2.
        vector(prefix + "attn_q_norm.weight", layer.headDim(), Distribution.around(0.35));
        if (layer.ownsKv()) {
            matrix(prefix + "attn_k.weight", hidden, keys);
            vector(prefix + "attn_k_norm.weight", layer.headDim(), Distribution.around(0.35));
        }
        if (hasValues(layer)) {
            matrix(prefix + "attn_v.weight", hidden, keys);
        }
        matrix(prefix + "attn_output.weight", queries, hidden);
        vector(prefix + "post_attention_norm.weight", hidden, Distribution.around(1));
    }

    private void feedForward(Architecture.Layer layer) {
        String prefix = "blk." + layer.index() + ".";
        int hidden = architecture.hidden();
        int width = layer.feedForward();
        vector(prefix + "ffn_norm.weight", hidden, Distribution.around(1));
        matrix(prefix + "ffn_gate.weight", hidden, width);
        matrix(prefix + "ffn_up.weight", hidden, width);
        matrix(prefix + "ffn_down.weight", width, hidden);
        vector(prefix + "post_ffw_norm.weight", hidden, Distribution.around(1));
        if (architecture.experts() > 0) {
            experts(prefix, layer);
        }
        int perLayer = architecture.perLayerWidth();
        if (perLayer > 0) {
            matrix(prefix + "inp_gate.weight", hidden, perLayer);
            matrix(prefix + "proj.weight", perLayer, hidden);
            vector(prefix + "post_norm.weight", hidden, Distribution.around(1));
        }
        vector(prefix + "layer_output_scale.weight", 1, Distribution.around(0.9));
    }

    private void experts(String prefix, Architecture.Layer layer) {
        int hidden = architecture.hidden();
        int experts = architecture.experts();
        int width = architecture.expertWidth();
        vector(prefix + "ffn_gate_inp.scale", hidden, Distribution.around(1));
        // The router's input has a norm of one.
        tensors.add(new Tensor(prefix + "ffn_gate_inp.weight", GgmlType.F32, new long[] {hidden, experts}, Distribution.symmetric(1)));
        vector(prefix + "pre_ffw_norm_2.weight", hidden, Distribution.around(1));
        stack(prefix + "ffn_gate_up_exps.weight", hidden, 2 * width);
        stack(prefix + "ffn_down_exps.weight", width, hidden);
        vector(prefix + "ffn_down_exps.scale", experts, Distribution.around(1));
        vector(prefix + "post_ffw_norm_1.weight", hidden, Distribution.around(1));
        vector(prefix + "post_ffw_norm_2.weight", hidden, Distribution.around(1));
    }

    private void vector(String name, int elements, Distribution values) {
        tensors.add(new Tensor(name, GgmlType.F32, new long[] {elements}, values));
    }

    private void table(String name, int columns, int rows, double deviation) {
        tensors.add(new Tensor(name, unquantized, new long[] {columns, rows}, Distribution.symmetric(deviation)));
    }

    /** Outputs deviate as much as inputs. */
    private void matrix(String name, int columns, int rows) {
        tensors.add(new Tensor(name, unquantized, new long[] {columns, rows}, Distribution.symmetric(1 / Math.sqrt(columns))));
    }

    private void stack(String name, int columns, int rows) {
        tensors.add(new Tensor(name, unquantized, new long[] {columns, rows, architecture.experts()}, Distribution.symmetric(1 / Math.sqrt(columns))));
    }
}
