#include "attention_input_compressed.h"

/** Grid (heads + 2 kv_heads, rows), or (heads, rows) where another layer owns the cache; whole simdgroups; heads of at most 512 elements. */
kernel void attention_input_q8_0(device float * queries [[buffer(0)]], device const float * keys [[buffer(1)]], device const float * values [[buffer(2)]],
        device const float * query_norm [[buffer(3)]], device const float * key_norm [[buffer(4)]], device const uint2 * turns [[buffer(5)]],
        device const int * positions [[buffer(6)]], device compressed<q8_0> * key_cache [[buffer(7)]], device compressed<q8_0> * value_cache [[buffer(8)]],
        constant AttentionInputArguments & args [[buffer(9)]],
        uint2 group [[threadgroup_position_in_grid]], ushort2 threads [[threads_per_threadgroup]],
        ushort thread_index [[thread_index_in_threadgroup]], ushort simdgroups [[simdgroups_per_threadgroup]],
        ushort simdgroup [[simdgroup_index_in_threadgroup]], ushort lane [[thread_index_in_simdgroup]]) {
    threadgroup float partial[32];
    threadgroup float kept[512];
    compressed_attention_input(queries, keys, values, query_norm, key_norm, turns, positions, key_cache, value_cache, (device half *)nullptr, (device half *)nullptr,
            args, partial, kept, group, thread_index, threads.x, simdgroups, simdgroup, lane);
}
