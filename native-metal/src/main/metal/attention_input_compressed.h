#pragma once
#include "attention_input.h"
#include "compressed_heads.h"

/** As attention_input, keys and values into a compressed cache, by way of memory for a head. */
template <typename FORMAT> static inline void compressed_attention_input(device float * queries, device const float * keys, device const float * values,
        device const float * query_norm, device const float * key_norm, device const uint2 * turns, device const int * positions,
        device compressed<FORMAT> * key_cache, device compressed<FORMAT> * value_cache, device half * tail_keys, device half * tail_values,
        constant AttentionInputArguments & args, threadgroup float * partial, threadgroup float * kept, uint2 group, ushort thread_index, ushort threads,
        ushort simdgroups, ushort simdgroup, ushort lane) {
    const uint position = uint(positions[group.y]);
    attention_input(queries, keys, values, query_norm, key_norm, turns, position, kept, args, partial, group, thread_index, threads, simdgroups, simdgroup,
            lane);
    if (group.x < args.heads) {
        return;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const bool is_key = group.x < args.heads + args.kv_heads;
    const HeadPlace place = {position, kv_head_of(group, args), args.kv_heads, args.head_dim, args.slots, args.tail_slots, args.factor};
    store_head(kept, is_key ? key_cache : value_cache, is_key ? tail_keys : tail_values, place, thread_index, threads, simdgroups, simdgroup, lane);
}
