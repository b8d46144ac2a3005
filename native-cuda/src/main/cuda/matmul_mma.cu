#include "matmul_mma.cuh"

/** Grid: at most one block for each unit; 256 threads; dynamic shared memory MMA_SHARED_BYTES. */
extern "C" __global__ void __launch_bounds__(MMA_THREADS) matmul_mma_n128(const uint16_t* in, int in_groups, const float* in_scales, const uint16_t* weights,
        int weight_groups, int64_t weight_bytes, int chunks, int outputs, int rows, float* out, int64_t out_stride) {
    matmul_mma({in, in_groups, weights, weight_groups, weight_bytes, chunks, outputs}, DenseTiles{rows},
            FloatOutput{in_scales, out, out_stride, outputs, nullptr});
}

extern "C" __global__ void __launch_bounds__(MMA_THREADS) matmul_mma_n128_geglu(const uint16_t* in, int in_groups, const float* in_scales,
        const uint16_t* weights, int weight_groups, int64_t weight_bytes, int chunks, int outputs, int rows, uint16_t* panel, int groups,
        unsigned* largest, float* scales, int again) {
    matmul_mma({in, in_groups, weights, weight_groups, weight_bytes, chunks, outputs}, DenseTiles{rows},
            GegluOutput{in_scales, panel, groups, outputs, largest, scales, again != 0});
}
