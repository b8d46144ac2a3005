#pragma once
#include "block_reduce.cuh"

/** 1 / sqrt(mean(x^2) + epsilon) over the elements of a block's row. */
__device__ __forceinline__ float inverse_rms(const float* x, int width, float epsilon) {
    float sum = 0;
#pragma unroll 8
    for (int i = threadIdx.x; i < width; i += blockDim.x) {
        sum += x[i] * x[i];
    }
    return __frsqrt_rn(block_sum(sum) / width + epsilon);
}
