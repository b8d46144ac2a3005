#pragma once
#include "rope.h"
#include "threadgroup_sum.h"

// Everything between the projections of an attention block and its attention.

/** Strides in floats; position p is in slot p % slots, and in slot p % tail_slots of a tail. factor of walsh_hadamard, where heads are rotated. */
struct AttentionInputArguments {
    uint query_stride;
    uint key_stride;
    uint value_stride;
    uint heads;
    uint kv_heads;
    uint head_dim;
    uint slots;
    float epsilon;
    uint tail_slots;
    float factor;
};
static_assert(sizeof(AttentionInputArguments) == 40, "as in MetalAttention");

/** The key/value head of a threadgroup, unless it has a query head. */
static inline uint kv_head_of(uint2 group, constant AttentionInputArguments & args) {
    return (group.x - args.heads) % args.kv_heads;
}

/**
 * One head of one row by one threadgroup: query heads are normalised with query_norm and turned, in place; key heads likewise with key_norm, into
 * elements from kept on; value heads are normalised without weight, likewise. values may be keys: neither is written.
 */
template <typename KEPT> static inline void attention_input(device float * queries, device const float * keys, device const float * values,
        device const float * query_norm, device const float * key_norm, device const uint2 * turns, uint position, KEPT kept,
        constant AttentionInputArguments & args, threadgroup float * partial, uint2 group, ushort thread_index, ushort threads, ushort simdgroups,
        ushort simdgroup, ushort lane) {
    const bool is_query = group.x < args.heads;
    const bool is_key = !is_query && group.x < args.heads + args.kv_heads;
    const uint head = is_query ? group.x : kv_head_of(group, args);
    const ulong row = group.y;
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
    if (!is_query && !is_key) {
        for (uint i = thread_index; i < args.head_dim; i += threads) {
            kept[i] = from[i] * inverse_rms;
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
            kept[i] = pair.x;
            kept[i + pairs] = pair.y;
        }
    }
}

/** Into a cache [slots][kv_heads * head_dim]. Grid (heads + 2 kv_heads, rows), or (heads, rows) where another layer owns the cache; whole simdgroups. */
#define ATTENTION_INPUT_KERNEL(TYPE, CACHE) \
    kernel void attention_input_##TYPE(device float * queries [[buffer(0)]], device const float * keys [[buffer(1)]], \
            device const float * values [[buffer(2)]], device const float * query_norm [[buffer(3)]], device const float * key_norm [[buffer(4)]], \
            device const uint2 * turns [[buffer(5)]], device const int * positions [[buffer(6)]], device CACHE * key_cache [[buffer(7)]], \
            device CACHE * value_cache [[buffer(8)]], constant AttentionInputArguments & args [[buffer(9)]], \
            uint2 group [[threadgroup_position_in_grid]], ushort2 threads [[threads_per_threadgroup]], \
            ushort thread_index [[thread_index_in_threadgroup]], ushort simdgroups [[simdgroups_per_threadgroup]], \
            ushort simdgroup [[simdgroup_index_in_threadgroup]], ushort lane [[thread_index_in_simdgroup]]) { \
        threadgroup float partial[32]; \
        const uint position = uint(positions[group.y]); \
        const ulong slot = (ulong(position % args.slots) * args.kv_heads + kv_head_of(group, args)) * args.head_dim; \
        attention_input(queries, keys, values, query_norm, key_norm, turns, position, \
                (group.x < args.heads + args.kv_heads ? key_cache : value_cache) + slot, args, partial, group, thread_index, threads.x, simdgroups, \
                simdgroup, lane); \
    }
