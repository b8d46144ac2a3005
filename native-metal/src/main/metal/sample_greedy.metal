#include "sampling.h"

struct SampleGreedyArguments {
    uint chunks;
};
static_assert(sizeof(SampleGreedyArguments) == 4, "as in MetalSampling");

/** The token of the best logit, from the best of each chunk, becomes the next one of a row. Grid (1), 32 threads. */
kernel void sample_greedy(device const uint2 * best_of_chunk [[buffer(0)]], device int * next_input [[buffer(1)]], device int * result [[buffer(2)]],
        constant SampleGreedyArguments & args [[buffer(3)]], ushort lane [[thread_index_in_simdgroup]]) {
    // A later chunk has higher tokens only, so that of equal keys the first one found is kept.
    uint2 mine = uint2(0, 0xFFFFFFFFu);
    for (uint chunk = lane; chunk < args.chunks; chunk += 32) {
        const uint2 other = best_of_chunk[chunk];
        if (other.x > mine.x || mine.y == 0xFFFFFFFFu) {
            mine = other;
        }
    }
    const uint best = simd_max(mine.x);
    const uint token = simd_min(mine.x == best ? mine.y : 0xFFFFFFFFu);
    if (lane == 0) {
        emit_token(best == KEY_NOT_A_NUMBER ? TOKEN_NOT_A_NUMBER : best == 0 ? TOKEN_NONE_POSSIBLE : int(token), next_input, result);
    }
}
