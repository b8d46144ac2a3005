package io.gemma4j.metal;

/**
 * Products of a matrix and any number of rows: few by {@link MetalMatvec}, more by {@code matmul_<type>}, whose simdgroup matrices multiply
 * decoded weights with 32-bit activations. Used by one thread at a time.
 */
final class MetalMatmul {
    /** Up to here reading the matrix again every {@value MetalMatvec#TOKENS_AT_ONCE} rows costs less than a tile that is mostly empty. */
    static final int MATVEC_ROWS = 2 * MetalMatvec.TOKENS_AT_ONCE;

    static final int THREADS = 128;
    static final int OUTPUT_TILE = 64;

    private final KernelLibrary kernels;
    private final MetalMatvec matvec;

    MetalMatmul(KernelLibrary kernels, MetalMatvec matvec) {
        this.kernels = kernels;
        this.matvec = matvec;
    }

    /** {@code out[r][n] = sum_k in[r][k] * weight[n][k]}. */
    void multiply(MetalStream stream, MetalMatrix weight, MetalRows in, MetalRows out, int rows) {
        if (rows <= MATVEC_ROWS) {
            matvec.multiply(stream, weight, in, out, rows);
            return;
        }
        int tile = rows <= 16 ? 16 : rows <= 32 ? 32 : 64;
        stream.kernel(kernels.pipeline(weight.kernel("matmul") + "_" + tile)).weight(0, weight.bytes()).read(1, in.first(rows)).write(2, out.first(rows))
                .put(weight.rows()).put(weight.columns()).put(rows).put(in.stride()).put(out.stride()).arguments(3)
                .dispatch(Grid.of(Math.ceilDiv(weight.rows(), OUTPUT_TILE), Math.ceilDiv(rows, tile)), THREADS);
    }
}
