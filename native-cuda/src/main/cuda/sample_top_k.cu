#include "argmax.cuh"
#include "few_candidates.cuh"

// Of every group of 256 logits the highest key is found first. The block of a row that finishes last takes a bound that at least k groups
// reach: the k best logits reach it too, and with few exceptions no others, so little is left to read again and to sort.

constexpr int WARPS = LOGITS_PER_BLOCK / 64;
constexpr int GROUP_LOGITS = 256;
constexpr int GROUPS_PER_BLOCK = LOGITS_PER_BLOCK / GROUP_LOGITS;
/** Candidates there is room for in shared memory; more only where many logits are equal. */
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

/** The highest key of each group of the block's logits. */
__device__ __forceinline__ void write_group_maxima(const float* logits, int vocabulary, uint32_t* maxima) {
    __shared__ uint32_t of_warp[WARPS];
    int token = blockIdx.x * LOGITS_PER_BLOCK + threadIdx.x / 32 * 64 + threadIdx.x % 32;
    uint32_t key = token < vocabulary ? logit_key(logits[token]) : 0;
    key = max(key, token + 32 < vocabulary ? logit_key(logits[token + 32]) : 0);
    key = __reduce_max_sync(ALL_LANES, key);
    if (threadIdx.x % 32 == 0) {
        of_warp[threadIdx.x / 32] = key;
    }
    __syncthreads();
    if (threadIdx.x < GROUPS_PER_BLOCK) {
        constexpr int SHARE = WARPS / GROUPS_PER_BLOCK;
        uint32_t highest = 0;
        for (int i = 0; i < SHARE; i++) {
            highest = max(highest, of_warp[threadIdx.x * SHARE + i]);
        }
        maxima[blockIdx.x * GROUPS_PER_BLOCK + threadIdx.x] = highest;
    }
}

/** The highest bound, cut to its leading bits, that the keys of at least k threads reach; 1 if there are not that many. */
__device__ __forceinline__ uint32_t bound_of(uint32_t key, int k) {
    constexpr int LEADING_BITS = 18;
    uint32_t bound = 0;
    for (int bit = 31; bit >= 32 - LEADING_BITS; bit--) {
        uint32_t higher = bound | 1u << bit;
        bound = __syncthreads_count(key >= higher) >= k ? higher : bound;
    }
    return max(bound, 1u);
}

/** The 64 best of the row, sorted, in warp 0; at least k of them are correct. */
__device__ __forceinline__ void best_64(const float* logits, int vocabulary, const uint32_t* maxima, int k, uint64_t (&best)[2]) {
    __shared__ uint64_t found[CAPACITY];
    __shared__ int candidate_sets[32 * WARPS];
    __shared__ int found_count, set_count;
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int groups = gridDim.x * GROUPS_PER_BLOCK;
    if (threadIdx.x == 0) {
        found_count = 0;
        set_count = 0;
    }
    // The set of thread t: groups t, t + 1024, ...
    uint32_t key = 0;
    for (int group = threadIdx.x; group < groups; group += 32 * WARPS) {
        key = max(key, __ldcg(maxima + group));
    }
    uint32_t bound = bound_of(key, k);
    if (key >= bound) {
        candidate_sets[atomicAdd(&set_count, 1)] = threadIdx.x;
    }
    __syncthreads();
    for (int i = warp; i < set_count; i += WARPS) {
        for (int group = candidate_sets[i]; group < groups; group += 32 * WARPS) {
            uint32_t keys[GROUP_LOGITS / 32];
#pragma unroll
            for (int r = 0; r < GROUP_LOGITS / 32; r++) {
                int token = group * GROUP_LOGITS + r * 32 + lane;
                keys[r] = token < vocabulary ? logit_key(logits[token]) : 0;
            }
#pragma unroll
            for (int r = 0; r < GROUP_LOGITS / 32; r++) {
                if (keys[r] >= bound) {
                    int place = atomicAdd(&found_count, 1);
                    if (place < CAPACITY) {
                        found[place] = ranked(keys[r], group * GROUP_LOGITS + r * 32 + lane);
                    }
                }
            }
        }
    }
    __syncthreads();
    best[0] = 0;
    best[1] = 0;
    if (found_count <= CAPACITY) {
        int lists = (found_count + 63) / 64;
        if (warp < lists) {
            best[0] = warp * 64 + lane < found_count ? found[warp * 64 + lane] : 0;
            best[1] = warp * 64 + lane + 32 < found_count ? found[warp * 64 + lane + 32] : 0;
            sort_64(best);
        }
        merge_warps(best, lists <= 1 ? 1 : 1 << (32 - __clz(lists - 1)));
        return;
    }
    for (int first = warp * 64; first < vocabulary; first += LOGITS_PER_BLOCK) {
        uint64_t next[2];
#pragma unroll
        for (int r = 0; r < 2; r++) {
            int token = first + lane + 32 * r;
            next[r] = token < vocabulary ? ranked(logit_key(logits[token]), token) : 0;
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
 * scratch [rows][blocks][4]. Grid (ceil(vocabulary / 2048), rows), 1024 threads.
 */
extern "C" __global__ void __launch_bounds__(32 * WARPS, 1) sample_top_k(
        const float* logits, int64_t stride, int vocabulary, SEQUENCE_PARAMETERS, uint64_t* scratch, uint32_t* arrivals) {
    int row = blockIdx.y;
    const float* x = logits + row * stride;
    const SamplerOptions& o = options[row];
    uint32_t* maxima = reinterpret_cast<uint32_t*>(scratch) + static_cast<int64_t>(row) * gridDim.x * GROUPS_PER_BLOCK;
    write_group_maxima(x, vocabulary, maxima);
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
        token = candidates.draw(uniform(o.seed, states[row].accepted_tokens) * total);
    }
    if (threadIdx.x == 0) {
        emit_token(token, row, gridDim.y, vocabulary, SEQUENCES);
    }
}
