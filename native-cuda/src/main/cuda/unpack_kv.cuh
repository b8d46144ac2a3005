// Some heads of a compressed cache as attention_flash reads a cache: f16, not rotated. Arguments, grid and layouts: attention.md.
#pragma once
#include "head_codes.cuh"

struct UnpackKv {
    const KvCacheRef* cache;
    int first_head, heads;
    int tokens; // positions 0 .. tokens - 1
    int first_query; // position of the first query that will read the result
    uint16_t* out; // [2][heads][slots][D]: keys, values
    int slots;
    KvCacheRef* unpacked; // a record of what is in out
};

template <template <int> class CODES_OF, int D>
__device__ __forceinline__ void unpack_kv(const UnpackKv& a) {
    using Codes = CODES_OF<D>;
    constexpr int ROW_BYTES = Codes::CODE_BYTES + D / 16;
    int position = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32, head = blockIdx.y, of_values = blockIdx.z;
    int64_t half = static_cast<int64_t>(a.heads) * a.slots * D;
    if (position == 0 && head == 0 && of_values == 0 && threadIdx.x == 0) {
        *a.unpacked = {a.out, a.out + half, a.slots, 0, nullptr, nullptr, 0, 0, nullptr};
    }
    if (position >= a.tokens) {
        return;
    }
    KvCacheRef cache = *a.cache;
    int64_t kv_head = a.first_head + head;
    HeadLane<D> lane;
    bool tail = Codes::ROTATED && position >= tailBegin(cache, a.first_query);
    const uint16_t* halves = static_cast<const uint16_t*>(of_values ? cache.tailValues : cache.tailKeys);
    const unsigned char* rows = static_cast<const unsigned char*>(of_values ? cache.values : cache.keys);
#pragma unroll
    for (int i = 0; i < 2 * HeadLane<D>::GROUPS; i++) {
        int element = HeadLane<D>::element(i / HeadLane<D>::GROUPS, i % HeadLane<D>::GROUPS);
        float4 x;
        if (tail) {
            uint2 bits = *reinterpret_cast<const uint2*>(halves + (kv_head * cache.tailSlots + position % cache.tailSlots) * D + element);
            x = make_float4(half_to_float(bits.x & 0xFFFF), half_to_float(bits.x >> 16), half_to_float(bits.y & 0xFFFF), half_to_float(bits.y >> 16));
        } else {
            x = load_codes(Codes(), rows + (kv_head * cache.slots + position % cache.slots) * ROW_BYTES, element);
        }
        float* to = &lane.x[i / HeadLane<D>::GROUPS][i % HeadLane<D>::GROUPS * 4];
        to[0] = x.x, to[1] = x.y, to[2] = x.z, to[3] = x.w;
    }
    if constexpr (Codes::ROTATED) {
        restore_head(lane);
    }
    lane.store(a.out + of_values * half + (static_cast<int64_t>(head) * a.slots + position) * D);
}

/** A warp for each position; grid (ceil(tokens / 8), heads, 2), 256 threads. */
#define UNPACK_KV_KERNEL(name, CODES, D) \
    extern "C" __global__ void __launch_bounds__(256) name(const KvCacheRef* cache, int first_head, int heads, int tokens, int first_query, uint16_t* out, \
            int slots, KvCacheRef* unpacked) { \
        unpack_kv<CODES, D>({cache, first_head, heads, tokens, first_query, out, slots, unpacked}); \
    }
