// From the projections of rows of one sequence to what attention over a compressed cache reads: norms and rotation to the position of queries and keys, norms
// of values, and the cache's new keys and values. Arguments, grid and layouts: attention.md.
#pragma once
#include "dependent_launch.cuh"
#include "head_codes.cuh"

struct AttentionHeads {
    const float *queries, *keys, *values; // keys null: the cache is another layer's and holds these rows
    int64_t query_stride, key_stride, value_stride;
    int64_t addend; // what stands so many floats further on is added to each; 0: nothing
    int heads, kv_heads;
    const float *query_norm, *key_norm;
    float epsilon;
    const double* inverse_frequencies;
    const int* positions;
    const KvCacheRef* cache;
    uint16_t* halves; // null: queries go to `floats`, rotated as the cache is
    float* floats;
};

template <template <int> class CODES_OF, int D>
__device__ __forceinline__ void attention_heads(const AttentionHeads& in) {
    launchDependents();
    int row = blockIdx.x, head = blockIdx.y * (blockDim.x / 32) + threadIdx.x / 32;
    KvCacheRef cache = *in.cache;
    waitForPredecessors();
    if (head >= in.heads + (in.keys == nullptr ? 0 : 2 * in.kv_heads)) {
        return;
    }
    int position = __ldcg(in.positions + row);
    bool of_queries = head < in.heads, of_keys = !of_queries && head < in.heads + in.kv_heads;
    int kv_head = (head - in.heads) % in.kv_heads;
    const float* from = of_queries ? in.queries + row * in.query_stride + head * D
            : of_keys              ? in.keys + row * in.key_stride + kv_head * D
                                   : in.values + row * in.value_stride + kv_head * D;
    HeadLane<D> lane;
    lane.load(from);
    if (in.addend != 0) {
        lane.add(from + in.addend);
    }
    lane.normalize(of_queries ? in.query_norm : of_keys ? in.key_norm : nullptr, in.epsilon);
    if (of_queries || of_keys) {
        lane.rotate(in.inverse_frequencies, position);
    }
    int64_t query = (static_cast<int64_t>(row) * in.heads + head) * D;
    if (!of_queries) {
        store_compressed<CODES_OF>(lane, cache, of_keys, kv_head, position);
    } else if (in.halves != nullptr) {
        lane.store(in.halves + query);
    } else {
        if (CODES_OF<D>::ROTATED) {
            rotate_head(lane);
        }
        lane.store(in.floats + query);
    }
}

/** A warp for each head; grid (rows, ceil((heads + 2 kv_heads) / 8)), without keys (rows, ceil(heads / 8)), 256 threads. */
#define ATTENTION_HEADS_KERNEL(name, CODES, D) \
    extern "C" __global__ void __launch_bounds__(256) name(const float* queries, int64_t query_stride, const float* keys, int64_t key_stride, \
            const float* values, int64_t value_stride, int64_t addend, int heads, int kv_heads, const float* query_norm, const float* key_norm, \
            float epsilon, const double* inverse_frequencies, const int* positions, const KvCacheRef* cache, uint16_t* halves, float* floats) { \
        attention_heads<CODES, D>({queries, keys, values, query_stride, key_stride, value_stride, addend, heads, kv_heads, query_norm, key_norm, epsilon, \
                inverse_frequencies, positions, cache, halves, floats}); \
    }
