#include "kv_update_compressed.h"

/** Stores keys and values of rows in the cache. Grid (2 kv_heads, rows), whole simdgroups; heads of at most 512 elements. */
kernel void kv_update_q8_0(device const float * keys [[buffer(0)]], device const float * values [[buffer(1)]], device const int * positions [[buffer(2)]],
        device compressed<q8_0> * key_cache [[buffer(3)]], device compressed<q8_0> * value_cache [[buffer(4)]],
        constant KvUpdateCompressedArguments & args [[buffer(5)]], uint2 group [[threadgroup_position_in_grid]],
        ushort2 threads [[threads_per_threadgroup]], ushort thread_index [[thread_index_in_threadgroup]],
        ushort simdgroups [[simdgroups_per_threadgroup]], ushort simdgroup [[simdgroup_index_in_threadgroup]],
        ushort lane [[thread_index_in_simdgroup]]) {
    threadgroup float head[512];
    kv_update(keys, values, positions, key_cache, value_cache, (device half *)nullptr, (device half *)nullptr, args, head, group, thread_index, threads.x,
            simdgroups, simdgroup, lane);
}
