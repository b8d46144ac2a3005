#include "argmax.cuh"
#include "few_candidates.cuh"

// The 64 largest logits are found as sorted lists of 64: one for each warp's share, merged within a block, and those of all blocks merged by the
// block of the row that finishes last.

constexpr int WARPS = LOGITS_PER_BLOCK / 64;

/** Merges the warps' lists; the result is in warp 0. */
__device__ __forceinline__ void merge_warps(uint64_t (&v)[2]) {
    __shared__ uint64_t lists[WARPS / 2][64];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    for (int others = WARPS / 2; others > 0; others /= 2) {
        if (warp >= others && warp < 2 * others) {
            lists[warp - others][lane] = v[0];
            lists[warp - others][lane + 32] = v[1];
        }
        __syncthreads();
        if (warp < others) {
            merge_largest_64(v, lists[warp][reversed_place(0)], lists[warp][reversed_place(1)]);
        }
        __syncthreads();
    }
}

/**
 * Draws the next token of each row from its at most top_k (1 to 64) highest logits; typical-p, top-p, min-p and temperature as the options say.
 * scratch [rows][blocks][64]. Grid (ceil(vocabulary / 2048), rows), 1024 threads.
 */
extern "C" __global__ void __launch_bounds__(32 * WARPS, 1) sample_top_k(
        const float* logits, int64_t stride, int vocabulary, SEQUENCE_PARAMETERS, uint64_t* scratch, uint32_t* arrivals) {
    int row = blockIdx.y, warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const float* x = logits + row * stride;
    uint64_t best[2];
#pragma unroll
    for (int r = 0; r < 2; r++) {
        int token = blockIdx.x * LOGITS_PER_BLOCK + r * 32 * WARPS + threadIdx.x;
        best[r] = token < vocabulary ? ranked(logit_key(x[token]), token) : 0;
    }
    sort_64(best);
    merge_warps(best);
    uint64_t* lists = scratch + static_cast<int64_t>(row) * gridDim.x * 64;
    if (warp == 0) {
        lists[blockIdx.x * 64 + lane] = best[0];
        lists[blockIdx.x * 64 + lane + 32] = best[1];
    }
    if (!last_block_of_row(arrivals)) {
        return;
    }
    best[0] = 0;
    best[1] = 0;
    constexpr int AHEAD = 4;
    for (int first = warp; first < gridDim.x; first += AHEAD * WARPS) {
        uint64_t theirs[AHEAD][2] = {};
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            int block = first + i * WARPS;
            if (block < gridDim.x) {
                theirs[i][0] = __ldcg(lists + block * 64 + reversed_place(0));
                theirs[i][1] = __ldcg(lists + block * 64 + reversed_place(1));
            }
        }
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            merge_largest_64(best, theirs[i][0], theirs[i][1]);
        }
    }
    merge_warps(best);
    if (warp != 0) {
        return;
    }
    const SamplerOptions& o = options[row];
    int token = best_token(__shfl_sync(ALL_LANES, best[0], 0));
    if (token >= 0) {
        FewCandidates candidates(best, o.top_k);
        if (o.typical_p < 1) {
            candidates.typical_p(o.typical_p);
        }
        if (o.top_p < 1) {
            candidates.top_p(o.top_p);
        }
        if (o.min_p > 0) {
            candidates.min_p(o.min_p);
        }
        double total = candidates.weigh(o.temperature);
        token = candidates.draw(uniform(o.seed, states[row].accepted_tokens) * total);
    }
    if (lane == 0) {
        emit_token(token, row, gridDim.y, vocabulary, SEQUENCES);
    }
}
