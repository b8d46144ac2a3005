#include "argmax.cuh"

/**
 * result[row] = the token with the highest logit, of equal ones the lowest; -1 if a logit is NaN, -2 if all are negative infinity. Grid
 * (ceil(vocabulary / 2048), rows), 256 threads.
 */
extern "C" __global__ void __launch_bounds__(256) argmax(
        const float* logits, int64_t stride, int vocabulary, int* result, uint64_t* scratch, uint32_t* arrivals) {
    uint64_t best;
    if (best_of_row(logits, stride, vocabulary, scratch, arrivals, best) && threadIdx.x == 0) {
        result[blockIdx.y] = best_token(best);
    }
}
