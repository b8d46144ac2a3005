#pragma once
#include "block_reduce.cuh"

/** Elements of a row that a thread fetches before it uses the first: one after the other, each would wait for memory. */
constexpr int ROW_BATCH = 8;

/** 1 / sqrt(mean(x^2) + epsilon) over the elements of a block's row. */
__device__ __forceinline__ float inverse_rms(const float* x, int width, float epsilon) {
    float sum = 0;
    for (int first = threadIdx.x; first < width; first += ROW_BATCH * blockDim.x) {
        float values[ROW_BATCH];
#pragma unroll
        for (int j = 0; j < ROW_BATCH; j++) {
            int i = first + j * blockDim.x;
            values[j] = i < width ? x[i] : 0;
        }
#pragma unroll
        for (int j = 0; j < ROW_BATCH; j++) {
            sum += values[j] * values[j];
        }
    }
    return __frsqrt_rn(block_sum(sum) / width + epsilon);
}
