#pragma once
#include "rope.h"
#include "threadgroup_sum.h"

// Everything between the projections of an attention block and its attention.

/** Strides in floats; slots of the cache, position p is in slot p % slots. */
struct AttentionInputArguments {
    uint query_stride;
    uint key_stride;
    uint value_stride;
    uint heads;
    uint kv_heads;
    uint head_dim;
    uint slots;
    float epsilon;
};
static_assert(sizeof(AttentionInputArguments) == 32, "as in MetalAttention");

/**
 * One head of one row by one threadgroup: query heads are normalised with query_norm and turned, in place; key heads likewise with key_norm, into the
 * cache [slots][kv_heads * head_dim]; value heads are normalised without weight, into the cache. values may be keys: neither is written.
 */
template <typename CACHE> static inline void attention_input(device float * queries, device const float * keys, device const float * values,
        device const float * query_norm, device const float * key_norm, device const uint2 * turns, device const int * positions,
        device CACHE * key_cache, device CACHE * value_cache, constant AttentionInputArguments & args, threadgroup float * partial, uint2 group,
        ushort thread_index, ushort threads, ushort simdgroups, ushort simdgroup, ushort lane) {
    const bool is_query = group.x < args.heads;
    const bool is_key = !is_query && group.x < args.heads + args.kv_heads;
    const uint head = is_query ? group.x : is_key ? group.x - args.heads : group.x - args.heads - args.kv_heads;
    const ulong row = group.y;
    const uint position = uint(positions[row]);
    device const float * from = is_query ? queries + row * args.query_stride : is_key ? keys + row * args.key_stride : values + row * args.value_stride;
    from += head * args.head_dim;

    // A thread reads the pairs that it turns, and no others: queries are written in place.
    const uint pairs = args.head_dim / 2;
    float squares = 0.0f;
    for (uint i = thread_index; i < pairs; i += threads) {
        squares += from[i] * from[i] + from[i + pairs] * from[i + pairs];
    }
    const float sum = threadgroup_sum(squares, partial, simdgroups, simdgroup, lane);
    const float inverse_rms = precise::rsqrt(sum / float(args.head_dim) + args.epsilon);
    const ulong slot = (ulong(position % args.slots) * args.kv_heads + head) * args.head_dim;
    if (!is_query && !is_key) {
        for (uint i = thread_index; i < args.head_dim; i += threads) {
            value_cache[slot + i] = CACHE(from[i] * inverse_rms);
        }
        return;
    }
    device const float * norm = is_query ? query_norm : key_norm;
    for (uint i = thread_index; i < pairs; i += threads) {
        const float a = from[i] * inverse_rms * norm[i];
        const float b = from[i + pairs] * inverse_rms * norm[i + pairs];
        const float2 pair = turned(a, b, rotation(turns[i], position));
        if (is_query) {
            device float * to = queries + row * args.query_stride + head * args.head_dim;
            to[i] = pair.x;
            to[i + pairs] = pair.y;
        } else {
            key_cache[slot + i] = CACHE(pair.x);
            key_cache[slot + i + pairs] = CACHE(pair.y);
        }
    }
}

/** Grid (heads + 2 kv_heads, rows), or (heads, rows) where another layer owns the cache; threads in whole simdgroups. */
#define ATTENTION_INPUT_KERNEL(TYPE, CACHE) \
    kernel void attention_input_##TYPE(device float * queries [[buffer(0)]], device const float * keys [[buffer(1)]], \
            device const float * values [[buffer(2)]], device const float * query_norm [[buffer(3)]], device const float * key_norm [[buffer(4)]], \
            device const uint2 * turns [[buffer(5)]], device const int * positions [[buffer(6)]], device CACHE * key_cache [[buffer(7)]], \
            device CACHE * value_cache [[buffer(8)]], constant AttentionInputArguments & args [[buffer(9)]], \
            uint2 group [[threadgroup_position_in_grid]], ushort2 threads [[threads_per_threadgroup]], \
            ushort thread_index [[thread_index_in_threadgroup]], ushort simdgroups [[simdgroups_per_threadgroup]], \
            ushort simdgroup [[simdgroup_index_in_threadgroup]], ushort lane [[thread_index_in_simdgroup]]) { \
        threadgroup float partial[32]; \
        attention_input(queries, keys, values, query_norm, key_norm, turns, positions, key_cache, value_cache, args, partial, group, thread_index, \
                threads.x, simdgroups, simdgroup, lane); \
    }
