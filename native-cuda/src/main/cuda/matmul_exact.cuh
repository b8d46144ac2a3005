#pragma once
#include "block_formats.cuh"

// Products in 32-bit floats: decoded weights times activations as they are. A warp for every two weight rows, which share what is read of
// the activations; lanes take every 32nd run.

constexpr int EXACT_WARPS = 8;
constexpr int EXACT_OUTPUTS = 2;

/** The products of two weight rows with up to ROWS rows of `columns` elements; the sums are in every lane. */
template <class FORMAT, int ROWS>
__device__ __forceinline__ void dots_exact(const uint8_t* const (&weight_rows)[EXACT_OUTPUTS], int columns, const float* in, int64_t in_stride,
        int rows, float (&sums)[EXACT_OUTPUTS][ROWS]) {
    bool aligned = (reinterpret_cast<uintptr_t>(in) & 15) == 0 && in_stride % 4 == 0;
    for (unsigned run = threadIdx.x % 32; run * RUN < columns; run += 32) {
        float w[EXACT_OUTPUTS][RUN];
#pragma unroll
        for (int n = 0; n < EXACT_OUTPUTS; n++) {
            FORMAT::decode(load_run<FORMAT>(weight_rows[n], run, columns), run, w[n]);
        }
        int valid = columns - run * RUN;
#pragma unroll
        for (int row = 0; row < ROWS; row++) {
            if (row < rows) {
                const float* from = in + row * in_stride + run * RUN;
                float x[RUN];
                if (aligned && valid >= RUN) {
#pragma unroll
                    for (int i = 0; i < RUN; i += 4) {
                        float4 v = *reinterpret_cast<const float4*>(from + i);
                        x[i] = v.x, x[i + 1] = v.y, x[i + 2] = v.z, x[i + 3] = v.w;
                    }
                } else {
#pragma unroll
                    for (int i = 0; i < RUN; i++) {
                        x[i] = i < valid ? from[i] : 0;
                    }
                }
#pragma unroll
                for (int n = 0; n < EXACT_OUTPUTS; n++) {
#pragma unroll
                    for (int i = 0; i < RUN; i++) {
                        sums[n][row] += w[n][i] * x[i];
                    }
                }
            }
        }
    }
#pragma unroll
    for (int n = 0; n < EXACT_OUTPUTS; n++) {
#pragma unroll
        for (int row = 0; row < ROWS; row++) {
#pragma unroll
            for (int other = 16; other > 0; other /= 2) {
                sums[n][row] += __shfl_xor_sync(0xFFFFFFFFu, sums[n][row], other);
            }
        }
    }
}

/**
 * The outputs of this block's warps for up to ROWS rows: in and out are the first of them, weights the matrix. Blocks in x direction share the
 * outputs, 16 each; 256 threads.
 */
template <class FORMAT, int ROWS>
__device__ __forceinline__ void matmul_exact(const uint8_t* weights, int outputs, int columns, const float* in, int64_t in_stride, int rows,
        float* out, int64_t out_stride) {
    int first = (blockIdx.x * EXACT_WARPS + threadIdx.x / 32) * EXACT_OUTPUTS;
    if (first >= outputs) {
        return;
    }
    const uint8_t* weight_rows[EXACT_OUTPUTS];
#pragma unroll
    for (int n = 0; n < EXACT_OUTPUTS; n++) {
        weight_rows[n] = weights + min(first + n, outputs - 1) * row_bytes<FORMAT>(columns);
    }
    float sums[EXACT_OUTPUTS][ROWS] = {};
    dots_exact<FORMAT, ROWS>(weight_rows, columns, in, in_stride, rows, sums);
#pragma unroll
    for (int n = 0; n < EXACT_OUTPUTS; n++) {
#pragma unroll
        for (int row = 0; row < ROWS; row++) {
            if (threadIdx.x % 32 == n * ROWS + row && first + n < outputs && row < rows) {
                out[row * out_stride + first + n] = sums[n][row];
            }
        }
    }
}

/** Rows of activations that a block of matmul_exact takes. */
constexpr int EXACT_ROWS = 4;

/** Grid (ceil(outputs / 16), ceil(rows / 4)), 256 threads. */
#define MATMUL_EXACT_KERNEL(type, FORMAT) \
    extern "C" __global__ void __launch_bounds__(32 * EXACT_WARPS) matmul_##type##_exact(const uint8_t* weights, int outputs, int columns, \
            const float* in, int64_t in_stride, int rows, float* out, int64_t out_stride) { \
        int first = blockIdx.y * EXACT_ROWS; \
        matmul_exact<FORMAT, EXACT_ROWS>( \
                weights, outputs, columns, in + first * in_stride, in_stride, rows - first, out + first * out_stride, out_stride); \
    }
