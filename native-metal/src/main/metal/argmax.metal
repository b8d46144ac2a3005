#include "sampling.h"

struct ArgmaxArguments {
    uint vocabulary;
};
static_assert(sizeof(ArgmaxArguments) == 4, "as in MetalSampling");

/** The best logit of each chunk of a row as {key, token}, of equal ones the lowest token. Grid (ceil(vocabulary / 2048)), 256 threads. */
kernel void argmax(device const float * logits [[buffer(0)]], device uint2 * best_of_chunk [[buffer(1)]], constant ArgmaxArguments & args [[buffer(2)]],
        uint chunk [[threadgroup_position_in_grid]], uint threads [[threads_per_threadgroup]], ushort thread_index [[thread_index_in_threadgroup]],
        ushort simdgroups [[simdgroups_per_threadgroup]], ushort simdgroup [[simdgroup_index_in_threadgroup]],
        ushort lane [[thread_index_in_simdgroup]]) {
    threadgroup uint2 partial[32];
    const uint end = min(args.vocabulary, (chunk + 1) * CHUNK);
    uint key = 0;
    uint token = args.vocabulary;
    for (uint i = chunk * CHUNK + thread_index; i < end; i += threads) {
        const uint other = logit_key(logits[i]);
        if (other > key || token == args.vocabulary) {
            key = other;
            token = i;
        }
    }
    const uint best = simd_max(key);
    const uint first = simd_min(key == best ? token : args.vocabulary);
    if (lane == 0) {
        partial[simdgroup] = uint2(best, first);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (simdgroup == 0) {
        const uint2 mine = lane < simdgroups ? partial[lane] : uint2(0, args.vocabulary);
        const uint best_of_all = simd_max(mine.x);
        const uint first_of_all = simd_min(mine.x == best_of_all ? mine.y : args.vocabulary);
        if (lane == 0) {
            best_of_chunk[chunk] = uint2(best_of_all, first_of_all);
        }
    }
}
