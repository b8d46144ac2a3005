#include "half.cuh"
#include "kv_cache.cuh"

/** Elements of one head that a lane of a warp has: LOW of the first half and as many, D / 2 further, of the second: the pairs of the rotation. */
template <int D>
struct HeadLane {
    static constexpr int GROUPS = D / 256;
    float x[2][4 * GROUPS];

    static __device__ __forceinline__ int element(int half, int group) {
        return half * (D / 2) + group * 128 + threadIdx.x % 32 * 4;
    }
    __device__ __forceinline__ void load(const float* head) {
#pragma unroll
        for (int i = 0; i < 2 * GROUPS; i++) {
            float4 v = *reinterpret_cast<const float4*>(head + element(i / GROUPS, i % GROUPS));
            float* to = &x[i / GROUPS][i % GROUPS * 4];
            to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
        }
    }
    /** x / sqrt(mean(x^2) + epsilon) * norm; norm null is 1. */
    __device__ __forceinline__ void normalize(const float* norm, float epsilon) {
        float sum = 0;
#pragma unroll
        for (int i = 0; i < 4 * GROUPS; i++) {
            sum += x[0][i] * x[0][i] + x[1][i] * x[1][i];
        }
#pragma unroll
        for (int other = 16; other > 0; other /= 2) {
            sum += __shfl_xor_sync(0xFFFFFFFFu, sum, other);
        }
        float factor = __frsqrt_rn(sum / D + epsilon);
#pragma unroll
        for (int i = 0; i < 8 * GROUPS; i++) {
            int half = i / (4 * GROUPS), within = i % (4 * GROUPS);
            x[half][within] *= factor * (norm == nullptr ? 1 : norm[element(half, within / 4) + within % 4]);
        }
    }
    /** Turns each pair by position * inverse_frequencies[pair] radians. */
    __device__ __forceinline__ void rotate(const double* inverse_frequencies, int position) {
#pragma unroll
        for (int i = 0; i < 4 * GROUPS; i++) {
            // In double precision down to one turn: at position 100,000 a float angle would be off by a hundredth.
            constexpr double TURN = 6.283185307179586;
            double angle = position * inverse_frequencies[element(0, i / 4) + i % 4];
            float sine, cosine;
            __sincosf(static_cast<float>(angle - TURN * rint(angle * (1 / TURN))), &sine, &cosine);
            float a = x[0][i], b = x[1][i];
            x[0][i] = a * cosine - b * sine;
            x[1][i] = a * sine + b * cosine;
        }
    }
    __device__ __forceinline__ void store(uint16_t* head) const {
#pragma unroll
        for (int i = 0; i < 2 * GROUPS; i++) {
            const float* from = &x[i / GROUPS][i % GROUPS * 4];
            storeCached(head + element(i / GROUPS, i % GROUPS), make_float4(from[0], from[1], from[2], from[3]));
        }
    }
};

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
    lane.store(static_cast<uint16_t*>(of_keys ? cache.keys : cache.values) + (static_cast<int64_t>(kv_head) * cache.slots + position % cache.slots) * D);
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
