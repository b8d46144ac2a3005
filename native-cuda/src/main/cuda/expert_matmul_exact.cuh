#pragma once
#include "matmul_exact.cuh"

// Products with routed experts in 32-bit floats: out[slot][n] = sum_k in[slot / slots_per_in_row][k] * weight[experts[slot] * outputs + n][k].

/** Grid (ceil(outputs / 16), slots), 256 threads. */
template <class FORMAT>
__device__ __forceinline__ void expert_matmul_exact(const uint8_t* weights, int outputs, int columns, const float* in, int64_t in_stride,
        int slots_per_in_row, const int* experts, float* out, int64_t out_stride) {
    int slot = blockIdx.y;
    matmul_exact<FORMAT, 1>(weights + experts[slot] * (outputs * row_bytes<FORMAT>(columns)), outputs, columns,
            in + slot / slots_per_in_row * in_stride, in_stride, 1, out + slot * out_stride, out_stride);
}

#define EXPERT_MATMUL_EXACT_KERNEL(type, FORMAT) \
    extern "C" __global__ void __launch_bounds__(32 * EXACT_WARPS) expert_matmul_##type##_exact(const uint8_t* weights, int outputs, \
            int columns, const float* in, int64_t in_stride, int slots_per_in_row, const int* experts, float* out, int64_t out_stride) { \
        expert_matmul_exact<FORMAT>(weights, outputs, columns, in, in_stride, slots_per_in_row, experts, out, out_stride); \
    }
