#pragma once
#include "block_formats.cuh"

// Products in 32-bit floats: decoded weights times activations as they are. A warp for each weight row, lanes take every 32nd run.

constexpr int EXACT_WARPS = 8;

/** in[0 .. ROWS) of one weight row; `columns` elements each. The sums are in every lane. */
template <class FORMAT, int ROWS>
__device__ __forceinline__ void dots_exact(const uint8_t* weight_row, int columns, const float* in, int64_t in_stride, int rows,
        float (&sums)[ROWS]) {
    bool aligned = (reinterpret_cast<uintptr_t>(in) & 15) == 0 && in_stride % 4 == 0;
    for (unsigned run = threadIdx.x % 32; run * RUN < columns; run += 32) {
        float w[RUN];
        FORMAT::decode(load_run<FORMAT>(weight_row, run, columns), run, w);
        int valid = columns - run * RUN;
#pragma unroll
        for (int row = 0; row < ROWS; row++) {
            if (row < rows) {
                const float* x = in + row * in_stride + run * RUN;
                if (aligned && valid >= RUN) {
#pragma unroll
                    for (int i = 0; i < RUN / 4; i++) {
                        float4 v = reinterpret_cast<const float4*>(x)[i];
                        sums[row] += w[4 * i] * v.x;
                        sums[row] += w[4 * i + 1] * v.y;
                        sums[row] += w[4 * i + 2] * v.z;
                        sums[row] += w[4 * i + 3] * v.w;
                    }
                } else {
#pragma unroll
                    for (int i = 0; i < RUN; i++) {
                        sums[row] += i < valid ? w[i] * x[i] : 0;
                    }
                }
            }
        }
    }
#pragma unroll
    for (int row = 0; row < ROWS; row++) {
#pragma unroll
        for (int other = 16; other > 0; other /= 2) {
            sums[row] += __shfl_xor_sync(0xFFFFFFFFu, sums[row], other);
        }
    }
}

/** Grid (ceil(outputs / 8), ceil(rows / 4)), 256 threads. */
template <class FORMAT>
__device__ __forceinline__ void matmul_exact(const uint8_t* weights, int outputs, int columns, const float* in, int64_t in_stride, int rows,
        float* out, int64_t out_stride) {
    constexpr int ROWS = 4;
    int output = blockIdx.x * EXACT_WARPS + threadIdx.x / 32;
    int first_row = blockIdx.y * ROWS;
    if (output >= outputs) {
        return;
    }
    float sums[ROWS] = {};
    dots_exact<FORMAT, ROWS>(weights + output * row_bytes<FORMAT>(columns), columns, in + first_row * in_stride, in_stride, rows - first_row, sums);
#pragma unroll
    for (int row = 0; row < ROWS; row++) {
        if (threadIdx.x % 32 == row && first_row + row < rows) {
            out[(first_row + row) * out_stride + output] = sums[row];
        }
    }
}

#define MATMUL_EXACT_KERNEL(type, FORMAT)                                                                                                       \
    extern "C" __global__ void __launch_bounds__(32 * EXACT_WARPS) matmul_##type##_exact(const uint8_t* weights, int outputs, int columns,      \
            const float* in, int64_t in_stride, int rows, float* out, int64_t out_stride) {                                                     \
        matmul_exact<FORMAT>(weights, outputs, columns, in, in_stride, rows, out, out_stride);                                                  \
    }
