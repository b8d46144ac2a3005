package io.gemma4j.backend.cpu.vector;

import io.gemma4j.backend.cpu.kernel.RowKernel;
import io.gemma4j.gguf.GgmlType;

/** The Vector API kernels by storage type. Thread-safe. */
public final class VectorRows {

    private VectorRows() {}

    /**
     * The kernel of {@code type}; there is one for every type that {@link io.gemma4j.tensor.BlockFormats} supports.
     *
     * @throws IllegalArgumentException if the type is not supported
     */
    public static RowKernel of(GgmlType type) {
        return new OutOfLine(switch (type) {
            case F32 -> new F32Rows();
            case F16 -> new F16Rows();
            case BF16 -> new BF16Rows();
            case Q4_0 -> new Q4_0Rows();
            case Q4_1 -> new Q4_1Rows();
            case Q5_0 -> new Q5_0Rows();
            case Q5_1 -> new Q5_1Rows();
            case Q8_0 -> new Q8_0Rows();
            case Q2_K -> new Q2_KRows();
            case Q3_K -> new Q3_KRows();
            case Q4_K -> new Q4_KRows();
            case Q5_K -> new Q5_KRows();
            case Q6_K -> new Q6_KRows();
            case IQ4_NL -> new IQ4_NLRows();
            case IQ4_XS -> new IQ4_XSRows();
            case MXFP4 -> new MXFP4Rows();
            default -> throw new IllegalArgumentException("no row kernel for the storage type " + type);
        });
    }
}
