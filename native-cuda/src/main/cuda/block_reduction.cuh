// Sums over the 512 threads of a block, in one fixed order.
#pragma once

#include "matvec_arguments.cuh"

__device__ __forceinline__ float warpSum(float value) {
#pragma unroll
    for (int lanes = 16; lanes > 0; lanes /= 2) value += __shfl_xor_sync(~0u, value, lanes);
    return value;
}

// `partial` holds one float per warp and must not be in use by another sum that some thread may still read.
__device__ __forceinline__ float blockSum(float value, float (&partial)[BLOCK_WARPS]) {
    value = warpSum(value);
    if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = value;
    __syncthreads();
    float sum = 0;
#pragma unroll
    for (int w = 0; w < BLOCK_WARPS; w++) sum += partial[w];
    return sum;
}
