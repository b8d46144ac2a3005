// The key/value cache of one layer of one sequence: two arrays [kvHeads][slots][D]; position p lives in slot p % slots.
#pragma once

#include "half.cuh"

struct KvCacheRef {
    void *keys;
    void *values;
    int slots;
    int reserved;
};
static_assert(sizeof(KvCacheRef) == 24, "the host writes these records");

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
