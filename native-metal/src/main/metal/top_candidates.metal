#include "sampling.h"

struct TopCandidatesArguments {
    uint count;
};
static_assert(sizeof(TopCandidatesArguments) == 4, "as in MetalSampling");

/** Sorts a chunk, the largest first: a bitonic network. 256 threads. */
static inline void sort_chunk(threadgroup ulong * ranks, ushort thread_index) {
    for (uint size = 2; size <= CHUNK; size *= 2) {
        for (uint stride = size / 2; stride > 0; stride /= 2) {
            for (uint pair = thread_index; pair < CHUNK / 2; pair += 256) {
                const uint low = pair / stride * 2 * stride + pair % stride;
                const ulong a = ranks[low];
                const ulong b = ranks[low + stride];
                const bool larger_first = (low & size) == 0;
                if ((a < b) == larger_first) {
                    ranks[low] = b;
                    ranks[low + stride] = a;
                }
            }
            threadgroup_barrier(mem_flags::mem_threadgroup);
        }
    }
}

/** The 64 best of each chunk of a row of logits, best first; 0 where there are fewer. Grid (ceil(count / 2048)), 256 threads. */
kernel void top_candidates(device const float * logits [[buffer(0)]], device ulong * best [[buffer(1)]],
        constant TopCandidatesArguments & args [[buffer(2)]], uint chunk [[threadgroup_position_in_grid]],
        ushort thread_index [[thread_index_in_threadgroup]]) {
    threadgroup ulong ranks[CHUNK];
    for (uint i = thread_index; i < CHUNK; i += 256) {
        const uint token = chunk * CHUNK + i;
        ranks[i] = token < args.count ? ranked(logit_key(logits[token]), token) : 0;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    sort_chunk(ranks, thread_index);
    if (thread_index < MAX_CANDIDATES) {
        best[chunk * MAX_CANDIDATES + thread_index] = ranks[thread_index];
    }
}

/** The same of a list of candidates. */
kernel void top_candidates_merge(device const ulong * candidates [[buffer(0)]], device ulong * best [[buffer(1)]],
        constant TopCandidatesArguments & args [[buffer(2)]], uint chunk [[threadgroup_position_in_grid]],
        ushort thread_index [[thread_index_in_threadgroup]]) {
    threadgroup ulong ranks[CHUNK];
    for (uint i = thread_index; i < CHUNK; i += 256) {
        const uint place = chunk * CHUNK + i;
        ranks[i] = place < args.count ? candidates[place] : 0;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    sort_chunk(ranks, thread_index);
    if (thread_index < MAX_CANDIDATES) {
        best[chunk * MAX_CANDIDATES + thread_index] = ranks[thread_index];
    }
}
