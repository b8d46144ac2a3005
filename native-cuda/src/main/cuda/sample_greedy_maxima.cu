#include "argmax.cuh"
#include "dependent_launch.cuh"

/**
 * As sample_greedy for one row, of which the largest logits of its parts are known, and where they stand: as the head's mat-vec leaves them. One
 * block, 256 threads.
 */
extern "C" __global__ void __launch_bounds__(256) sample_greedy_maxima(
        const float* maxima, const int* places, int parts, int vocabulary, SEQUENCE_PARAMETERS) {
    launchDependents();
    waitForPredecessors();
    uint64_t best = 0;
    for (int part = threadIdx.x; part < parts; part += blockDim.x) {
        best = max(best, ranked(logit_key(maxima[part]), places[part]));
    }
    best = block_max(best);
    if (threadIdx.x == 0) {
        emit_token(best_token(best), 0, 1, vocabulary, SEQUENCES);
    }
}
