// The key/value cache of one layer of one sequence: two arrays [kvHeads][slots] of heads; position p lives in slot p % slots. Rotated types have a second
// store beside it, the tail: two arrays [kvHeads][tailSlots][D] of f16, position p in slot p % tailSlots.
//
// Where values are the raw keys, keys may be derived: element i of a key that does not turn is element i of the value times keyNorm[i], so only the others
// are stored, and queries are multiplied with keyNorm instead.
#pragma once

#include "half.cuh"

struct KvCacheRef {
    void *keys;
    void *values;
    int slots;
    int tailSlots;
    void *tailKeys;
    void *tailValues;
    int tailFrom;  // the first position that the tail has not lost
    int reserved;
    const float *keyNorm;  // null: keys are not derived
};
static_assert(sizeof(KvCacheRef) == 56, "the host writes these records");

// Of a derived key of 512 elements, those of the first pairs are stored: [2][DERIVED_PAIRS].
constexpr int DERIVED_PAIRS = 64;
constexpr int DERIVED_ELEMENTS = 2 * DERIVED_PAIRS;

__device__ __forceinline__ bool isStoredOfDerived(int element) {
    return element % 256 < DERIVED_PAIRS;
}

__device__ __forceinline__ int placeInDerived(int element) {
    return element / 256 * DERIVED_PAIRS + element % 256;
}

// What is read from the tail begins at a multiple of TAIL_TILE, no further than TAIL_REACH before the first of the queries.
constexpr int TAIL_TILE = 64;
constexpr int TAIL_REACH = 191;

// From where on queries at `position` and after it read the tail, instead of the first store; may be beyond all of them.
__device__ __forceinline__ int tailBegin(const KvCacheRef &cache, int position) {
    return (max(cache.tailFrom, position - TAIL_REACH) + TAIL_TILE - 1) / TAIL_TILE * TAIL_TILE;
}

// Four consecutive elements as a reader of the cache will see them, and their writing.
__device__ __forceinline__ float4 asCached(uint16_t, float4 x) {
    const uint32_t low = floats_to_half2(x.x, x.y);
    const uint32_t high = floats_to_half2(x.z, x.w);
    return make_float4(half_to_float(low & 0xffff), half_to_float(low >> 16), half_to_float(high & 0xffff), half_to_float(high >> 16));
}

__device__ __forceinline__ float4 asCached(float, float4 x) {
    return x;
}

__device__ __forceinline__ void storeCached(uint16_t *to, float4 x) {
    *reinterpret_cast<uint2 *>(to) = make_uint2(floats_to_half2(x.x, x.y), floats_to_half2(x.z, x.w));
}

__device__ __forceinline__ void storeCached(float *to, float4 x) {
    *reinterpret_cast<float4 *>(to) = x;
}
