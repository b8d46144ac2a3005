#include "argmax.cuh"

/** The token with the highest logit, of equal ones the lowest, becomes the next one of its row. Grid (ceil(vocabulary / 2048), rows), 256 threads. */
extern "C" __global__ void __launch_bounds__(256) sample_greedy(
        const float* logits, int64_t stride, int vocabulary, SEQUENCE_PARAMETERS, uint64_t* scratch, uint32_t* arrivals) {
    uint64_t best;
    if (best_of_row(logits, stride, vocabulary, scratch, arrivals, best) && threadIdx.x == 0) {
        emit_token(best_token(best), blockIdx.y, gridDim.y, vocabulary, SEQUENCES);
    }
}
