#include "sampling.cuh"

/** Appends `count` tokens to the past of one row; counts and window null without penalties. One block. */
extern "C" __global__ void accept_tokens(
        const SamplerOptions* options, SamplerState* state, int* counts, int* window, const int* tokens, int count) {
    int64_t before = state->accepted_tokens;
    int penalty_tokens = options->penalty_tokens;
    if (counts != nullptr) {
        // Of more tokens than the window holds, the first ones would only pass through.
        int first = penalty_tokens > 0 ? max(count - penalty_tokens, 0) : 0;
        for (int i = first + threadIdx.x; i < count; i += blockDim.x) {
            count_token(tokens[i], before + i, before, penalty_tokens, counts, window);
        }
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        state->accepted_tokens = before + count;
    }
}
