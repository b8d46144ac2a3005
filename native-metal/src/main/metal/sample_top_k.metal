#include "sampling.h"

/** min_logit: logarithm of min-p; uniform: the random number of this draw, in [0, 1). */
struct SampleTopKArguments {
    uint top_k;
    float temperature;
    float top_p;
    float min_logit;
    float uniform;
};
static_assert(sizeof(SampleTopKArguments) == 20, "as in MetalSampling");

/**
 * Draws the next token of a row from its 64 best candidates, best first: top-k of at most 64, top-p, min-p, temperature (above 0), in this order, as
 * io.gemma4j.sampling.Sampler. Sums are floats: a uniform number within 10^-6 of the border between two tokens may give the other one. Lane l has candidates l
 * and l + 32. Grid (1), 32 threads.
 */
kernel void sample_top_k(device const ulong * candidates [[buffer(0)]], device int * next_input [[buffer(1)]], device int * result [[buffer(2)]],
        constant SampleTopKArguments & args [[buffer(3)]], ushort lane [[thread_index_in_simdgroup]]) {
    threadgroup float weights[MAX_CANDIDATES];
    threadgroup uint tokens[MAX_CANDIDATES];
    const uint best_key = ranked_key(candidates[0]);
    // Where there are logits of positive infinity only they count, as equals.
    const bool infinite = best_key == KEY_INFINITY;
    const float best = infinite ? 0.0f : key_logit(best_key);
    bool alive[2];
    float logit[2];
    float weight[2];
    for (uint i = 0; i < 2; i++) {
        const uint place = lane + 32 * i;
        const uint key = ranked_key(candidates[place]);
        alive[i] = place < args.top_k && (infinite ? key == KEY_INFINITY : key != 0);
        logit[i] = infinite || !alive[i] ? best : key_logit(key);
        weight[i] = alive[i] ? precise::exp(logit[i] - best) : 0.0f;
        tokens[place] = ranked_token(candidates[place]);
        weights[place] = weight[i];
    }
    simdgroup_barrier(mem_flags::mem_threadgroup);

    const float nucleus = args.top_p * simd_sum(weight[0] + weight[1]);
    for (uint i = 0; i < 2; i++) {
        float before = 0.0f;
        for (uint other = 0; other < lane + 32 * i; other++) {
            before += weights[other];
        }
        const bool in_nucleus = args.top_p >= 1.0f || lane + 32 * i == 0 || before < nucleus;
        alive[i] = alive[i] && in_nucleus && logit[i] >= best + args.min_logit;
        weight[i] = alive[i] ? precise::exp((logit[i] - best) / args.temperature) : 0.0f;
    }
    simdgroup_barrier(mem_flags::mem_threadgroup);
    weights[lane] = weight[0];
    weights[lane + 32] = weight[1];
    simdgroup_barrier(mem_flags::mem_threadgroup);

    // The lowest token at which the running sum of the weights, by ascending token, exceeds the target; without one the last that has weight.
    const float target = args.uniform * simd_sum(weight[0] + weight[1]);
    uint reached = 0xFFFFFFFFu;
    uint last = 0;
    for (uint i = 0; i < 2; i++) {
        const uint token = tokens[lane + 32 * i];
        float running = 0.0f;
        for (uint other = 0; other < MAX_CANDIDATES; other++) {
            running += tokens[other] <= token ? weights[other] : 0.0f;
        }
        if (weight[i] > 0.0f) {
            reached = running > target ? min(reached, token) : reached;
            last = max(last, token);
        }
    }
    const uint first_reached = simd_min(reached);
    const uint last_possible = simd_max(last);
    if (lane == 0) {
        const uint drawn = first_reached == 0xFFFFFFFFu ? last_possible : first_reached;
        emit_token(best_key == KEY_NOT_A_NUMBER ? TOKEN_NOT_A_NUMBER : best_key == 0 ? TOKEN_NONE_POSSIBLE : int(drawn), next_input, result);
    }
}
