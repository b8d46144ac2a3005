// Stores the keys and values of a step, normed and rotated to their positions by operations before it, in compressed caches.
// Arguments, grid and layouts: attention.md.
#pragma once
#include "dependent_launch.cuh"
#include "head_codes.cuh"

template <template <int> class CODES_OF, int D>
__device__ __forceinline__ void kv_update_compressed(const float* keys, int key_stride, const float* values, int value_stride, int kv_heads,
        const int* positions, const int* sequences, const KvCacheRef* caches) {
    launchDependents();
    waitForPredecessors();
    int row = blockIdx.x, head = blockIdx.y * (blockDim.x / 32) + threadIdx.x / 32;
    int position = __ldcg(positions + row);
    if (head >= 2 * kv_heads || position < 0) {
        return;
    }
    bool of_keys = head < kv_heads;
    int kv_head = head % kv_heads;
    HeadLane<D> lane;
    lane.load(of_keys ? keys + static_cast<int64_t>(row) * key_stride + kv_head * D : values + static_cast<int64_t>(row) * value_stride + kv_head * D);
    store_compressed<CODES_OF>(lane, caches[__ldcg(sequences + row)], of_keys, kv_head, position);
}

/** A warp for each head; grid (rows, ceil(2 kv_heads / 8)), 256 threads. */
#define KV_UPDATE_COMPRESSED_KERNEL(name, CODES, D) \
    extern "C" __global__ void __launch_bounds__(256) name(const float* keys, int key_stride, const float* values, int value_stride, int kv_heads, \
            const int* positions, const int* sequences, const KvCacheRef* caches) { \
        kv_update_compressed<CODES, D>(keys, key_stride, values, value_stride, kv_heads, positions, sequences, caches); \
    }
