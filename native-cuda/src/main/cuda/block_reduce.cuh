#pragma once

// Reductions over a block of whole warps, in a fixed order; every thread gets the result.

template <class NUMBER, class OPERATION>
__device__ __forceinline__ NUMBER block_reduce(NUMBER value, OPERATION combine) {
    __shared__ NUMBER of_warp[32];
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

template <class NUMBER>
__device__ __forceinline__ NUMBER block_sum(NUMBER value) {
    return block_reduce(value, [](NUMBER a, NUMBER b) { return a + b; });
}

/** Of floats, NaN counts as nothing. */
template <class NUMBER>
__device__ __forceinline__ NUMBER block_max(NUMBER value) {
    return block_reduce(value, [](NUMBER a, NUMBER b) { return max(a, b); });
}
