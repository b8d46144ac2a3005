#include "kv_update_compressed.h"

/** Stores keys and values of rows in the cache and in the tail. Grid (2 kv_heads, rows), whole simdgroups; heads of at most 512 elements. */
kernel void kv_update_tq4(device const float * keys [[buffer(0)]], device const float * values [[buffer(1)]], device const int * positions [[buffer(2)]],
        device compressed<tq4> * key_cache [[buffer(3)]], device compressed<tq4> * value_cache [[buffer(4)]],
        constant KvUpdateCompressedArguments & args [[buffer(5)]], device half * tail_keys [[buffer(6)]], device half * tail_values [[buffer(7)]],
        uint2 group [[threadgroup_position_in_grid]], ushort2 threads [[threads_per_threadgroup]],
        ushort thread_index [[thread_index_in_threadgroup]], ushort simdgroups [[simdgroups_per_threadgroup]],
        ushort simdgroup [[simdgroup_index_in_threadgroup]], ushort lane [[thread_index_in_simdgroup]]) {
    threadgroup float head[512];
    kv_update(keys, values, positions, key_cache, value_cache, tail_keys, tail_values, args, head, group, thread_index, threads.x, simdgroups, simdgroup,
            lane);
}
