#pragma once
#include "block_reduce.cuh"
#include "sampling.cuh"

/** Logits that one block of argmax and sample_top_k looks at. */
constexpr int LOGITS_PER_BLOCK = 2048;

/**
 * The best logit of a row with its token, as a ranked value, in the last block of the row to finish: returns whether this is it. scratch holds
 * one value for each block of the grid (ceil(vocabulary / 2048), rows).
 */
__device__ __forceinline__ bool best_of_row(const float* logits, int64_t stride, int vocabulary, uint64_t* scratch, uint32_t* arrivals,
        uint64_t& best) {
    const float* x = logits + blockIdx.y * stride;
    int end = min(vocabulary, static_cast<int>(blockIdx.x + 1) * LOGITS_PER_BLOCK);
    best = 0;
#pragma unroll 8
    for (int token = blockIdx.x * LOGITS_PER_BLOCK + threadIdx.x; token < end; token += blockDim.x) {
        best = max(best, ranked(logit_key(x[token]), token));
    }
    best = block_max(best);
    volatile uint64_t* of_block = scratch + static_cast<int64_t>(blockIdx.y) * gridDim.x;
    if (threadIdx.x == 0) {
        of_block[blockIdx.x] = best;
    }
    if (!last_block_of_row(arrivals)) {
        return false;
    }
    for (int block = threadIdx.x; block < gridDim.x; block += blockDim.x) {
        best = max(best, of_block[block]);
    }
    best = block_max(best);
    return true;
}

/** The token of the best logit, or an error code. */
__device__ __forceinline__ int best_token(uint64_t best) {
    uint32_t key = ranked_key(best);
    return key == KEY_NOT_A_NUMBER ? TOKEN_NOT_A_NUMBER : key == 0 ? TOKEN_NONE_POSSIBLE : ranked_token(best);
}
