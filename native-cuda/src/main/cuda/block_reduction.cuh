// Sums over the 512 threads of a block, in one fixed order.
#pragma once

#include "matvec_arguments.cuh"

__device__ __forceinline__ float warpSum(float value) {
#pragma unroll
    for (int lanes = 16; lanes > 0; lanes /= 2) value += __shfl_xor_sync(~0u, value, lanes);
    return value;
}

// One float per warp, to be read in quads.
struct alignas(16) WarpPartials {
    float of[BLOCK_WARPS];
};

// `partials` must not be in use by another sum that some thread may still read.
__device__ __forceinline__ float blockSum(float value, WarpPartials& partials) {
    value = warpSum(value);
    if (threadIdx.x % 32 == 0) partials.of[threadIdx.x / 32] = value;
    __syncthreads();
    float4 sums = *reinterpret_cast<const float4*>(partials.of);
#pragma unroll
    for (int w = 4; w < BLOCK_WARPS; w += 4) {
        float4 quad = *reinterpret_cast<const float4*>(partials.of + w);
        sums.x += quad.x, sums.y += quad.y, sums.z += quad.z, sums.w += quad.w;
    }
    return (sums.x + sums.y) + (sums.z + sums.w);
}
