#pragma once
#include <stdint.h>

// Reductions over a block of whole warps, in a fixed order; every thread gets the result.

template <class OPERATION>
__device__ __forceinline__ float block_reduce(float value, OPERATION combine) {
    __shared__ float of_warp[32];
#pragma unroll
    for (int other = 16; other > 0; other /= 2) {
        value = combine(value, __shfl_xor_sync(0xFFFFFFFFu, value, other));
    }
    __syncthreads(); // of_warp may still be read by an earlier reduction
    if (threadIdx.x % 32 == 0) {
        of_warp[threadIdx.x / 32] = value;
    }
    __syncthreads();
    value = of_warp[0];
    for (int warp = 1; warp < blockDim.x / 32; warp++) {
        value = combine(value, of_warp[warp]);
    }
    return value;
}

__device__ __forceinline__ float block_sum(float value) {
    return block_reduce(value, [](float a, float b) { return a + b; });
}

/** NaN counts as nothing. */
__device__ __forceinline__ float block_max(float value) {
    return block_reduce(value, [](float a, float b) { return fmaxf(a, b); });
}
