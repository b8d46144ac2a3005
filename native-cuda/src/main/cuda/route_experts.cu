#include "dependent_launch.cuh"
#include "sampling.cuh"

constexpr uint32_t ALL_LANES = 0xFFFFFFFFu;
constexpr int FEW_EXPERTS = 128;
constexpr int MOST_EXPERTS = 1024;

/**
 * The k largest of a row's logits, ties to the lower index, with softmax weights that sum to 1, times expert_scale[expert]: the softmax over all
 * experts and the division by the chosen ones' sum leave the softmax over the chosen ones. One warp. LANE_EXPERTS: logits that a lane holds.
 */
template <int LANE_EXPERTS>
__device__ __forceinline__ void route(const float* logits, int expert_count, const float* expert_scale, int k, int* experts, float* weights) {
    int lane = threadIdx.x % 32;
    // 0 for what cannot be chosen any more: what is not there, NaN, and what has been chosen. Everything else is more: negative infinity, too.
    uint32_t keys[LANE_EXPERTS];
#pragma unroll
    for (int i = 0; i < LANE_EXPERTS; i++) {
        int expert = i * 32 + lane;
        uint32_t key = expert < expert_count ? logit_key(logits[expert]) : KEY_NOT_A_NUMBER;
        keys[i] = key == KEY_NOT_A_NUMBER ? 0 : max(key, 1u);
    }
    float chosen_logit = 0;
    int chosen_expert = 0;
    for (int j = 0; j < k; j++) {
        uint32_t best = 0;
        int expert = INT32_MAX;
#pragma unroll
        for (int i = 0; i < LANE_EXPERTS; i++) {
            if (keys[i] > best) {
                best = keys[i];
                expert = i * 32 + lane;
            }
        }
        uint32_t highest = __reduce_max_sync(ALL_LANES, best);
        expert = __reduce_min_sync(ALL_LANES, best == highest ? expert : INT32_MAX);
        // Only NaN is left: an expert that exists, with weight NaN.
        float logit = highest == 0 ? CUDART_NAN_F : highest == 1 ? -CUDART_INF_F : key_logit(highest);
        expert = highest == 0 ? j : expert;
#pragma unroll
        for (int i = 0; i < LANE_EXPERTS; i++) {
            keys[i] = expert == i * 32 + lane ? 0 : keys[i];
        }
        if (lane == j) {
            chosen_logit = logit;
            chosen_expert = expert;
        }
    }
    float weight = expf(chosen_logit - __shfl_sync(ALL_LANES, chosen_logit, 0));
    float sum = 0;
    for (int j = 0; j < k; j++) {
        sum += __shfl_sync(ALL_LANES, weight, j);
    }
    if (lane < k) {
        experts[lane] = chosen_expert;
        weights[lane] = weight / sum * expert_scale[chosen_expert];
    }
}

/** experts and weights are [rows][k], k at most 32. A warp for each row; grid (ceil(rows / 4)), 128 threads. */
extern "C" __global__ void __launch_bounds__(128) route_experts(const float* logits, int64_t stride, int expert_count, const float* expert_scale,
        int k, int* experts, float* weights, int rows) {
    int row = blockIdx.x * 4 + threadIdx.x / 32;
    launchDependents();
    waitForPredecessors();
    if (row >= rows) {
        return;
    }
    if (expert_count <= FEW_EXPERTS) {
        route<FEW_EXPERTS / 32>(logits + row * stride, expert_count, expert_scale, k, experts + row * k, weights + row * k);
    } else {
        route<MOST_EXPERTS / 32>(logits + row * stride, expert_count, expert_scale, k, experts + row * k, weights + row * k);
    }
}
