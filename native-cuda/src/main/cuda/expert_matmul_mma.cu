#include "matmul_mma.cuh"

/** Grid: at most the units of work that there can be; 256 threads; dynamic shared memory MMA_SHARED_BYTES. */
extern "C" __global__ void __launch_bounds__(MMA_THREADS) expert_matmul_mma_n128(const uint16_t* in, int in_groups, const float* in_scales,
        const uint16_t* weights, int weight_groups, int64_t weight_bytes, int chunks, int outputs, const int4* tiles, const int* first_tiles,
        int first_expert, int end_expert, const int* sorted_slots, float* out, int64_t out_stride) {
    matmul_mma({in, in_groups, weights, weight_groups, weight_bytes, chunks, outputs}, ExpertTiles{tiles, first_tiles, first_expert, end_expert},
            FloatOutput{in_scales, out, out_stride, outputs, sorted_slots});
}

extern "C" __global__ void __launch_bounds__(MMA_THREADS) expert_matmul_mma_n128_geglu(const uint16_t* in, int in_groups, const float* in_scales,
        const uint16_t* weights, int weight_groups, int64_t weight_bytes, int chunks, int outputs, const int4* tiles, const int* first_tiles,
        int first_expert, int end_expert, uint16_t* panel, int groups, unsigned* largest, float* scales, int again) {
    matmul_mma({in, in_groups, weights, weight_groups, weight_bytes, chunks, outputs}, ExpertTiles{tiles, first_tiles, first_expert, end_expert},
            GegluOutput{in_scales, panel, groups, outputs, largest, scales, again != 0});
}
