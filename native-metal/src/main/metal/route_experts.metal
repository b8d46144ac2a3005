#include <metal_stdlib>
using namespace metal;

/** stride in floats; per_row: experts that a row goes to, at most 32. */
struct RouteExpertsArguments {
    uint stride;
    uint expert_count;
    uint per_row;
    uint rows;
};
static_assert(sizeof(RouteExpertsArguments) == 16, "as in MetalExperts");

/**
 * Softmax over the logits of each row, the largest per_row of them (ties to the lower index), made to sum to 1, times expert_scale[expert]. The
 * softmax over all and the division by the chosen ones' sum leave the softmax over the chosen ones. A row by a simdgroup; grid
 * (ceil(rows / simdgroups of a threadgroup)).
 */
kernel void route_experts(device const float * logits [[buffer(0)]], device const float * expert_scale [[buffer(1)]], device int * experts [[buffer(2)]],
        device float * weights [[buffer(3)]], constant RouteExpertsArguments & args [[buffer(4)]], uint group [[threadgroup_position_in_grid]],
        ushort simdgroups [[simdgroups_per_threadgroup]], ushort simdgroup [[simdgroup_index_in_threadgroup]],
        ushort lane [[thread_index_in_simdgroup]]) {
    const uint row = group * simdgroups + simdgroup;
    if (row >= args.rows) {
        return;
    }
    device const float * x = logits + ulong(row) * args.stride;
    float last_logit = INFINITY;
    uint last_expert = 0;
    float first_logit = 0.0f;
    float my_logit = -INFINITY;
    uint my_expert = 0;
    for (uint j = 0; j < args.per_row; j++) {
        // The next one in order of descending logit, ascending index.
        float best_logit = -INFINITY;
        uint best_expert = args.expert_count;
        for (uint expert = lane; expert < args.expert_count; expert += 32) {
            const bool follows = j == 0 || x[expert] < last_logit || (x[expert] == last_logit && expert > last_expert);
            if (follows && (x[expert] > best_logit || best_expert == args.expert_count)) {
                best_logit = x[expert];
                best_expert = expert;
            }
        }
        last_logit = simd_max(best_expert < args.expert_count ? best_logit : -INFINITY);
        last_expert = simd_min(best_expert < args.expert_count && best_logit == last_logit ? best_expert : args.expert_count - 1);
        first_logit = j == 0 ? last_logit : first_logit;
        my_logit = lane == j ? last_logit : my_logit;
        my_expert = lane == j ? last_expert : my_expert;
    }
    const float weight = lane < args.per_row ? precise::exp(my_logit - first_logit) : 0.0f;
    const float sum = simd_sum(weight);
    if (lane < args.per_row) {
        experts[row * args.per_row + lane] = int(my_expert);
        weights[row * args.per_row + lane] = weight / sum * expert_scale[my_expert];
    }
}
