// Stores the keys and values of a step, normed and rotated by operations before it, at the slots of the rows' positions.
// Arguments, grid and layouts: attention.md.
#pragma once

#include "dependent_launch.cuh"
#include "kv_cache.cuh"

template <class Element>
__device__ __forceinline__ void kvUpdate(const float *keys, int keyStride, const float *values, int valueStride, int kvHeads, int headDim,
                                         const int *positions, const int *sequences, const KvCacheRef *caches) {
    launchDependents();
    waitForPredecessors();
    const int row = blockIdx.x;
    const int position = __ldcg(positions + row);
    if (position < 0) {
        return;
    }
    const KvCacheRef cache = caches[__ldcg(sequences + row)];
    const int slot = position % cache.slots;
    for (int i = threadIdx.x * 4; i < kvHeads * headDim; i += blockDim.x * 4) {
        const size_t headSlot = static_cast<size_t>(i / headDim) * cache.slots + slot;
        const size_t at = headSlot * headDim + i % headDim;
        const float4 key = __ldcg(reinterpret_cast<const float4 *>(keys + static_cast<size_t>(row) * keyStride + i));
        if (cache.keyNorm == nullptr) {
            storeCached(static_cast<Element *>(cache.keys) + at, key);
        } else if (isStoredOfDerived(i % headDim)) {
            storeCached(static_cast<Element *>(cache.keys) + headSlot * DERIVED_ELEMENTS + placeInDerived(i % headDim), key);
        }
        storeCached(static_cast<Element *>(cache.values) + at,
                    __ldcg(reinterpret_cast<const float4 *>(values + static_cast<size_t>(row) * valueStride + i)));
    }
}
