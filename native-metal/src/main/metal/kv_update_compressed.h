#pragma once
#include "compressed_heads.h"

/** Strides in floats; position p is in slot p % slots, and in slot p % tail_slots of the tail. factor of walsh_hadamard. */
struct KvUpdateCompressedArguments {
    uint key_stride;
    uint value_stride;
    uint kv_heads;
    uint head_dim;
    uint slots;
    uint tail_slots;
    float factor;
};
static_assert(sizeof(KvUpdateCompressedArguments) == 28, "as in MetalAttention");

/** One head of keys or of values of one row by one threadgroup. */
template <typename FORMAT> static inline void kv_update(device const float * keys, device const float * values, device const int * positions,
        device compressed<FORMAT> * key_cache, device compressed<FORMAT> * value_cache, device half * tail_keys, device half * tail_values,
        constant KvUpdateCompressedArguments & args, threadgroup float * head, uint2 group, ushort thread_index, ushort threads, ushort simdgroups,
        ushort simdgroup, ushort lane) {
    const bool is_key = group.x < args.kv_heads;
    const HeadPlace place = {uint(positions[group.y]), group.x % args.kv_heads, args.kv_heads, args.head_dim, args.slots, args.tail_slots, args.factor};
    device const float * from = (is_key ? keys + ulong(group.y) * args.key_stride : values + ulong(group.y) * args.value_stride) + place.head * args.head_dim;
    for (uint i = thread_index; i < args.head_dim; i += threads) {
        head[i] = from[i];
    }
    store_head(head, is_key ? key_cache : value_cache, is_key ? tail_keys : tail_values, place, thread_index, threads, simdgroups, simdgroup, lane);
}
