#include <metal_stdlib>
using namespace metal;

/** Whether there is a bias [vocabulary]. */
constant bool HAS_BIAS [[function_constant(0)]];
/** Whether there are penalties, and counts [vocabulary] of tokens in their window. */
constant bool HAS_PENALTIES [[function_constant(1)]];
/** Whether only some tokens are allowed. */
constant bool HAS_MASK [[function_constant(2)]];

struct AdjustLogitsArguments {
    uint vocabulary;
    float repetition_penalty;
    float frequency_penalty;
    float presence_penalty;
};
static_assert(sizeof(AdjustLogitsArguments) == 16, "as in MetalSampling");

/**
 * out = one row of logits with bias and penalties, negative infinity for tokens without a bit in allowed [ceil(vocabulary / 32)]; NaN of an allowed token
 * stays NaN, so that the sampler reports it. Grid of threads (at least vocabulary).
 */
kernel void adjust_logits(device const float * logits [[buffer(0)]], device const float * bias [[buffer(1)]], device const int * counts [[buffer(2)]],
        device const uint * allowed [[buffer(3)]], device float * out [[buffer(4)]], constant AdjustLogitsArguments & args [[buffer(5)]],
        uint token [[thread_position_in_grid]]) {
    if (token >= args.vocabulary) {
        return;
    }
    if (HAS_MASK && (allowed[token / 32] >> token % 32 & 1) == 0) {
        out[token] = -INFINITY;
        return;
    }
    float logit = logits[token];
    if (HAS_BIAS && !isnan(logit)) {
        // A ban is set, not added: positive infinity minus infinity would be NaN.
        logit = isinf(bias[token]) && bias[token] < 0.0f ? bias[token] : logit + bias[token];
    }
    const int count = HAS_PENALTIES ? counts[token] : 0;
    if (count > 0) {
        logit = logit > 0.0f ? logit / args.repetition_penalty : logit * args.repetition_penalty;
        logit -= float(count) * args.frequency_penalty + args.presence_penalty;
    }
    out[token] = logit;
}
