package io.gemma4j.bench.synth;

import io.gemma4j.gguf.GgmlType;

/**
 * Which tensor gets which type, as llama.cpp's quantization tool decides it (source: {@code llama-quant.cpp}). Norms, scales and routers stay
 * in 32-bit floats.
 */
public enum TypeMix {
    /** Four bits, six for the head and for half of the values and down projections. */
    Q4_K_M("q4_k_m", 15),
    /** Eight bits. */
    Q8_0("q8_0", 7),
    /** Four bits, six for the head. */
    Q4_0("q4_0", 2),
    /** Nothing quantized. */
    F16("f16", 1);

    private final String label;
    private final int fileType;

    TypeMix(String label, int fileType) {
        this.label = label;
        this.fileType = fileType;
    }

    /** The value of {@code general.file_type}. */
    int fileType() {
        return fileType;
    }

    /** The type of a table of one row for each token, which is also the head. */
    GgmlType embedding(long columns) {
        return switch (this) {
            case Q4_K_M, Q4_0 -> fitting(GgmlType.Q6_K, columns);
            case Q8_0 -> GgmlType.Q8_0;
            case F16 -> GgmlType.F16;
        };
    }

    /** The type of the projection to per-layer embeddings, which is never quantized. */
    GgmlType perLayerProjection() {
        return this == F16 ? GgmlType.F16 : GgmlType.BF16;
    }

    /** The type of any other matrix. */
    GgmlType matrix(long columns) {
        return switch (this) {
            case Q4_K_M -> fitting(GgmlType.Q4_K, columns);
            case Q8_0 -> GgmlType.Q8_0;
            case Q4_0 -> GgmlType.Q4_0;
            case F16 -> GgmlType.F16;
        };
    }

    /** The type of a value or down projection, {@code index}th of {@code count} of its kind. */
    GgmlType sensitiveMatrix(long columns, int index, int count) {
        return this == Q4_K_M && moreBits(index, count) ? fitting(GgmlType.Q6_K, columns) : matrix(columns);
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
        return type == GgmlType.Q4_K ? GgmlType.Q5_0 : GgmlType.Q8_0;
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
