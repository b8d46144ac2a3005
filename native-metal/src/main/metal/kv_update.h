#pragma once
#include <metal_stdlib>
using namespace metal;

/** Strides in floats; width = kv_heads * head_dim; slots of the cache, position p is in slot p % slots. */
struct KvUpdateArguments {
    uint key_stride;
    uint value_stride;
    uint width;
    uint slots;
};
static_assert(sizeof(KvUpdateArguments) == 16, "as in MetalAttention");

/** Stores keys and values of rows in the cache [slots][width]. Grid of threads (at least width, rows). */
#define KV_UPDATE_KERNEL(TYPE, CACHE) \
    kernel void kv_update_##TYPE(device const float * keys [[buffer(0)]], device const float * values [[buffer(1)]], \
            device const int * positions [[buffer(2)]], device CACHE * key_cache [[buffer(3)]], device CACHE * value_cache [[buffer(4)]], \
            constant KvUpdateArguments & args [[buffer(5)]], uint2 position [[thread_position_in_grid]]) { \
        if (position.x >= args.width) { \
            return; \
        } \
        const ulong to = ulong(uint(positions[position.y]) % args.slots) * args.width + position.x; \
        key_cache[to] = CACHE(keys[ulong(position.y) * args.key_stride + position.x]); \
        value_cache[to] = CACHE(values[ulong(position.y) * args.value_stride + position.x]); \
    }
