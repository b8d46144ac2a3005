#include "argmax.cuh"
#include "few_candidates.cuh"

// Of every 64 logits, which a warp reads, the highest key is found first. The block of a row that finishes last takes a bound that at least k
// of these groups reach: the k best logits reach it too, and with few exceptions no others, so little is left to read again and to sort.

constexpr int WARPS = LOGITS_PER_BLOCK / 64;
/** Groups and candidates there is room for in shared memory; more only where many logits are equal. */
constexpr int CAPACITY = 1024;

/** Merges the sorted lists of the first `warps` warps, a power of two; the result is in warp 0. */
__device__ __forceinline__ void merge_warps(uint64_t (&v)[2], int warps) {
    __shared__ uint64_t lists[WARPS / 2][64];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    for (int others = warps / 2; others > 0; others /= 2) {
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

/** The key of lane's logit in half r of a group of 64; 0 beyond the vocabulary. */
__device__ __forceinline__ uint32_t group_key(const float* logits, int vocabulary, int group, int r) {
    int token = group * 64 + r * 32 + threadIdx.x % 32;
    return token < vocabulary ? logit_key(logits[token]) : 0;
}

/** The highest bound, cut to its leading bits, that the keys of at least k threads reach; 1 if there are not that many. */
__device__ __forceinline__ uint32_t bound_of(uint32_t key, int k) {
    constexpr int LEADING_BITS = 18;
    uint32_t bound = 0;
#pragma unroll 1
    for (int bit = 31; bit >= 32 - LEADING_BITS; bit--) {
        uint32_t higher = bound | 1u << bit;
        bound = __syncthreads_count(key >= higher) >= k ? higher : bound;
    }
    return max(bound, 1u);
}

/** The 64 best of the row, sorted, in warp 0; at least k of them are correct. */
__device__ __forceinline__ void best_64(const float* logits, int vocabulary, const uint32_t* maxima, int k, uint64_t (&best)[2]) {
    __shared__ uint64_t found[CAPACITY];
    __shared__ int candidate_groups[CAPACITY];
    __shared__ int found_count, group_count;
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int groups = gridDim.x * WARPS;
    if (threadIdx.x == 0) {
        found_count = 0;
        group_count = 0;
    }
    uint32_t highest = 0;
    for (int group = threadIdx.x; group < groups; group += 32 * WARPS) {
        highest = max(highest, __ldcg(maxima + group));
    }
    uint32_t bound = bound_of(highest, k);
    for (int group = threadIdx.x; group < groups; group += 32 * WARPS) {
        if (__ldcg(maxima + group) >= bound) {
            int place = atomicAdd(&group_count, 1);
            if (place < CAPACITY) {
                candidate_groups[place] = group;
            }
        }
    }
    __syncthreads();
    constexpr int AHEAD = 4;
    for (int first = warp; first < min(group_count, CAPACITY); first += AHEAD * WARPS) {
        int group[AHEAD];
        uint32_t keys[AHEAD][2] = {};
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            if (first + i * WARPS < min(group_count, CAPACITY)) {
                group[i] = candidate_groups[first + i * WARPS];
                keys[i][0] = group_key(logits, vocabulary, group[i], 0);
                keys[i][1] = group_key(logits, vocabulary, group[i], 1);
            }
        }
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
#pragma unroll
            for (int r = 0; r < 2; r++) {
                if (keys[i][r] >= bound) {
                    int place = atomicAdd(&found_count, 1);
                    if (place < CAPACITY) {
                        found[place] = ranked(keys[i][r], group[i] * 64 + r * 32 + lane);
                    }
                }
            }
        }
    }
    __syncthreads();
    best[0] = 0;
    best[1] = 0;
    if (group_count <= CAPACITY && found_count <= CAPACITY) {
        int lists = (found_count + 63) / 64;
        if (warp < lists) {
            best[0] = warp * 64 + lane < found_count ? found[warp * 64 + lane] : 0;
            best[1] = warp * 64 + lane + 32 < found_count ? found[warp * 64 + lane + 32] : 0;
            sort_64(best);
        }
        merge_warps(best, lists <= 1 ? 1 : 1 << (32 - __clz(lists - 1)));
        return;
    }
    for (int group = warp; group < groups; group += WARPS) {
        uint64_t next[2];
#pragma unroll
        for (int r = 0; r < 2; r++) {
            next[r] = ranked(group_key(logits, vocabulary, group, r), group * 64 + r * 32 + lane);
        }
        if (__any_sync(ALL_LANES, ranked_key(next[0]) >= bound || ranked_key(next[1]) >= bound)) {
            sort_64(next);
            merge_largest_64(best, __shfl_xor_sync(ALL_LANES, next[1], 31), __shfl_xor_sync(ALL_LANES, next[0], 31));
        }
    }
    merge_warps(best, WARPS);
}

/**
 * Draws the next token of each row from its at most top_k (1 to 64) highest logits; typical-p, top-p, min-p and temperature as the options say.
 * scratch [rows][blocks][16]. Grid (ceil(vocabulary / 2048), rows), 1024 threads.
 */
extern "C" __global__ void __launch_bounds__(32 * WARPS, 1) sample_top_k(
        const float* logits, int64_t stride, int vocabulary, SEQUENCE_PARAMETERS, uint64_t* scratch, uint32_t* arrivals) {
    int row = blockIdx.y;
    const float* x = logits + row * stride;
    // Fetched here, not where they are needed: only the last block's way is long.
    const SamplerOptions o = options[row];
    double drawn = uniform(o.seed, states[row].accepted_tokens);
    uint32_t* maxima = reinterpret_cast<uint32_t*>(scratch) + static_cast<int64_t>(row) * gridDim.x * WARPS;
    int group = blockIdx.x * WARPS + threadIdx.x / 32;
    uint32_t highest = __reduce_max_sync(ALL_LANES, max(group_key(x, vocabulary, group, 0), group_key(x, vocabulary, group, 1)));
    if (threadIdx.x % 32 == 0) {
        maxima[group] = highest;
    }
    if (!last_block_of_row(arrivals)) {
        return;
    }
    uint64_t best[2];
    best_64(x, vocabulary, maxima, o.top_k, best);
    if (threadIdx.x >= 32) {
        return;
    }
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
        token = candidates.draw(drawn * total);
    }
    if (threadIdx.x == 0) {
        emit_token(token, row, gridDim.y, vocabulary, SEQUENCES);
    }
}
