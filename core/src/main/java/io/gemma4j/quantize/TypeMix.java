package io.gemma4j.quantize;

import io.gemma4j.gguf.GgmlType;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which tensor gets which type, as llama.cpp's quantization tool decides it (source: {@code llama-quant.cpp}). Vectors, routers and the projection
 * to per-layer embeddings keep the type they have.
 */
public enum TypeMix {
    /** Four bits, six for the head and for half of the values and down projections. */
    Q4_K_M("q4_k_m", 15),
    /** Eight bits. */
    Q8_0("q8_0", 7),
    /** Four bits, six for the head. */
    Q4_0("q4_0", 2),
    /** Nothing quantized, all matrices in 16 bits. */
    F16("f16", 1);

    private static final Pattern LAYER = Pattern.compile("blk\\.(\\d+)\\..+");

    private final String label;
    private final int fileType;

    /**
     * What of a tensor decides on its type.
     *
     * @param name in the file
     * @param type the type it has
     * @param dimensions in elements, innermost first
     */
    public record Tensor(String name, GgmlType type, List<Long> dimensions) {
        private boolean is(String role) {
            return name.equals(role + ".weight") || name.endsWith("." + role + ".weight");
        }

        /** The layer it belongs to; -1 for those of the whole model. */
        private int layer() {
            Matcher matcher = LAYER.matcher(name);
            return matcher.matches() ? Integer.parseInt(matcher.group(1)) : -1;
        }
    }

    TypeMix(String label, int fileType) {
        this.label = label;
        this.fileType = fileType;
    }

    /** The value of {@code general.file_type}. */
    public int fileType() {
        return fileType;
    }

    /**
     * The types of a model's tensors.
     *
     * @param tensors all of them, in any order
     * @return their types by name, in the same order
     */
    public Map<String, GgmlType> types(Collection<Tensor> tensors) {
        int layers = 1 + tensors.stream().mapToInt(Tensor::layer).max().orElse(-1);
        // Full layers of some models have no values of their own: those that are there are counted among themselves.
        List<Integer> valueLayers = tensors.stream().filter(tensor -> tensor.is("attn_v")).map(Tensor::layer).sorted().toList();
        Map<String, GgmlType> types = new LinkedHashMap<>();
        for (Tensor tensor : tensors) {
            types.put(tensor.name(), type(tensor, layers, valueLayers));
        }
        return types;
    }

    private GgmlType type(Tensor tensor, int layers, List<Integer> valueLayers) {
        if (keepsItsType(tensor)) {
            return tensor.type();
        }
        long columns = tensor.dimensions().getFirst();
        GgmlType table = this == Q4_K_M || this == Q4_0 ? GgmlType.Q6_K : matrix();
        if (tensor.is("token_embd") || tensor.is("output")) {
            return fitting(table, columns);
        }
        if (tensor.is("per_layer_token_embd")) {
            // A row has a part for each layer, which is read on its own and so has to be whole blocks.
            return fitting(table, columns / Math.max(1, layers));
        }
        boolean down = tensor.is("ffn_down") || tensor.is("ffn_down_exps");
        boolean moreBits = down && moreBits(tensor.layer(), layers)
                || tensor.is("attn_v") && moreBits(valueLayers.indexOf(tensor.layer()), valueLayers.size());
        return fitting(this == Q4_K_M && moreBits ? GgmlType.Q6_K : matrix(), columns);
    }

    private static boolean keepsItsType(Tensor tensor) {
        return tensor.dimensions().size() < 2 || !tensor.name().endsWith(".weight") || tensor.name().endsWith("_norm.weight")
                || tensor.is("ffn_gate_inp") || tensor.is("per_layer_model_proj");
    }

    private GgmlType matrix() {
        return switch (this) {
            case Q4_K_M -> GgmlType.Q4_K;
            case Q8_0 -> GgmlType.Q8_0;
            case Q4_0 -> GgmlType.Q4_0;
            case F16 -> GgmlType.F16;
        };
    }

    /** The first eighth, the last eighth, and every third between. */
    private static boolean moreBits(int index, int count) {
        return index < count / 8 || index >= 7 * count / 8 || (index - count / 8) % 3 == 2;
    }

    /** The type, or the one that replaces it where rows are no whole number of its blocks. */
    private static GgmlType fitting(GgmlType type, long columns) {
        if (columns % type.blockElements() == 0) {
            return type;
        }
        GgmlType replacement = switch (type) {
            case Q4_K -> GgmlType.Q5_0;
            case Q6_K -> GgmlType.Q8_0;
            default -> GgmlType.F16;
        };
        return fitting(replacement, columns);
    }

    /**
     * Its name on a command line.
     *
     * @return as in {@code q4_k_m}
     */
    @Override
    public String toString() {
        return label;
    }
}
