#include "head_lane.cuh"

struct HeadInputs {
    const float *queries, *keys, *values; // keys null: the cache is another layer's and holds these rows
    int64_t query_stride, key_stride, value_stride;
    int heads, kv_heads;
    const float *query_norm, *key_norm;
    float epsilon;
    const double* inverse_frequencies;
    const int* positions;
    const KvCacheRef* cache;
    uint16_t* out;
};

template <int D>
__device__ __forceinline__ void prefill_heads(const HeadInputs& in) {
    int row = blockIdx.x, head = blockIdx.y * (blockDim.x / 32) + threadIdx.x / 32;
    if (head >= in.heads + (in.keys == nullptr ? 0 : 2 * in.kv_heads)) {
        return;
    }
    int position = in.positions[row];
    HeadLane<D> lane;
    if (head < in.heads) {
        lane.load(in.queries + row * in.query_stride + head * D);
        lane.normalize(in.query_norm, in.epsilon);
        lane.rotate(in.inverse_frequencies, position);
        lane.store(in.out + (static_cast<int64_t>(row) * in.heads + head) * D);
        return;
    }
    bool of_keys = head < in.heads + in.kv_heads;
    int kv_head = (head - in.heads) % in.kv_heads;
    lane.load(of_keys ? in.keys + row * in.key_stride + kv_head * D : in.values + row * in.value_stride + kv_head * D);
    lane.normalize(of_keys ? in.key_norm : nullptr, in.epsilon);
    if (of_keys) {
        lane.rotate(in.inverse_frequencies, position);
    }
    KvCacheRef cache = *in.cache;
    int64_t at = static_cast<int64_t>(kv_head) * cache.slots + position % cache.slots;
    if (of_keys && cache.keyNorm != nullptr) {
        lane.store_derived(static_cast<uint16_t*>(cache.keys) + at * DERIVED_ELEMENTS);
    } else {
        lane.store(static_cast<uint16_t*>(of_keys ? cache.keys : cache.values) + at * D);
    }
}

/**
 * What attention_flash reads: norms and rotation of queries, which go to out[rows][heads * D], and of keys, and norms of values, which go to the cache of the
 * one sequence. A warp for each head; grid (rows, ceil((heads + 2 kv_heads) / 8)), 256 threads.
 */
#define PREFILL_HEADS_KERNEL(D) \
    extern "C" __global__ void __launch_bounds__(256) prefill_heads_d##D(const float* queries, int64_t query_stride, const float* keys, int64_t key_stride, \
            const float* values, int64_t value_stride, int heads, int kv_heads, const float* query_norm, const float* key_norm, float epsilon, \
            const double* inverse_frequencies, const int* positions, const KvCacheRef* cache, uint16_t* out) { \
        prefill_heads<D>({queries, keys, values, query_stride, key_stride, value_stride, heads, kv_heads, query_norm, key_norm, epsilon, \
                inverse_frequencies, positions, cache, out}); \
    }

PREFILL_HEADS_KERNEL(256)
PREFILL_HEADS_KERNEL(512)
