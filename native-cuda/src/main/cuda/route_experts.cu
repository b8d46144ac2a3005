#include <math_constants.h>
#include <stdint.h>

/**
 * The k largest of a row's logits, ties to the lower index, with softmax weights that sum to 1, times expert_scale[expert]: the softmax over all
 * experts and the division by the chosen ones' sum leave the softmax over the chosen ones. experts and weights are [rows][k], k at most 32.
 * A warp for each row; grid (ceil(rows / 4)), 128 threads.
 */
extern "C" __global__ void __launch_bounds__(128) route_experts(const float* logits, int64_t stride, int expert_count, const float* expert_scale,
        int k, int* experts, float* weights, int rows) {
    int row = blockIdx.x * 4 + threadIdx.x / 32;
    int lane = threadIdx.x % 32;
    if (row >= rows) {
        return;
    }
    const float* x = logits + row * stride;
    float previous = CUDART_INF_F, chosen_logit = 0;
    int previous_expert = -1, chosen_expert = 0;
    for (int j = 0; j < k; j++) {
        // The best of what comes after the previous choice in the order (logit down, index up).
        float best = -CUDART_INF_F;
        int best_expert = expert_count;
        for (int e = lane; e < expert_count; e += 32) {
            bool open = x[e] < previous || (x[e] == previous && e > previous_expert);
            if (open && (best_expert == expert_count || x[e] > best)) {
                best = x[e];
                best_expert = e;
            }
        }
        for (int other = 16; other > 0; other /= 2) {
            float their_best = __shfl_xor_sync(0xFFFFFFFFu, best, other);
            int their_expert = __shfl_xor_sync(0xFFFFFFFFu, best_expert, other);
            if (their_expert != expert_count
                    && (best_expert == expert_count || their_best > best || (their_best == best && their_expert < best_expert))) {
                best = their_best;
                best_expert = their_expert;
            }
        }
        if (best_expert == expert_count) { // only NaN is left: an expert that exists, with weight NaN
            best = CUDART_NAN_F;
            best_expert = j;
        }
        if (lane == j) {
            chosen_logit = best;
            chosen_expert = best_expert;
        }
        previous = best;
        previous_expert = best_expert;
    }
    float weight = expf(chosen_logit - __shfl_sync(0xFFFFFFFFu, chosen_logit, 0));
    float sum = 0;
    for (int j = 0; j < k; j++) {
        sum += __shfl_sync(0xFFFFFFFFu, weight, j);
    }
    if (lane < k) {
        experts[row * k + lane] = chosen_expert;
        weights[row * k + lane] = weight / sum * expert_scale[chosen_expert];
    }
}
