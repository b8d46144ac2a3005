#pragma once
#include "expert_tile.cuh"
#include "matmul_exact.cuh"
#include "matmul.cuh"

// Products with routed experts: out[slot][n] = sum_k in[slot / slots_per_in_row][k] * weight[experts[slot] * outputs + n][k].

/** Grid (ceil(outputs / 128), most tiles there can be), 128 threads: blocks beyond the tiles that group_slots counted have nothing to do. */
template <class FORMAT>
__device__ __forceinline__ void expert_matmul(const uint8_t* weights, int outputs, int columns, const uint16_t* in, const float* in_scales,
        int slots_per_in_row, const int* sorted_slots, const int4* tiles, const int* tile_count, float* out, int64_t out_stride) {
    if (blockIdx.y >= *tile_count) {
        return;
    }
    int4 tile = tiles[blockIdx.y];
    matmul_tile<FORMAT, EXPERT_TILE_SLOTS, true>(weights + tile.x * (outputs * row_bytes<FORMAT>(columns)), blockIdx.x * TILE_WEIGHTS, outputs,
            columns, in, in_scales, {tile.y, tile.z, sorted_slots, slots_per_in_row}, out, out_stride);
}

/** Grid (ceil(outputs / 16), slots), 256 threads. */
template <class FORMAT>
__device__ __forceinline__ void expert_matmul_exact(const uint8_t* weights, int outputs, int columns, const float* in, int64_t in_stride,
        int slots_per_in_row, const int* experts, float* out, int64_t out_stride) {
    int slot = blockIdx.y;
    matmul_exact<FORMAT, 1>(weights + experts[slot] * (outputs * row_bytes<FORMAT>(columns)), outputs, columns,
            in + slot / slots_per_in_row * in_stride, in_stride, 1, out + slot * out_stride, out_stride);
}

#define EXPERT_MATMUL_KERNEL(type, FORMAT) \
    extern "C" __global__ void __launch_bounds__(TILE_THREADS, 3) expert_matmul_##type(const uint8_t* weights, int outputs, int columns, \
            const uint16_t* in, const float* in_scales, int slots_per_in_row, const int* sorted_slots, const int4* tiles, \
            const int* tile_count, float* out, int64_t out_stride) { \
        expert_matmul<FORMAT>( \
                weights, outputs, columns, in, in_scales, slots_per_in_row, sorted_slots, tiles, tile_count, out, out_stride); \
    }

#define EXPERT_MATMUL_EXACT_KERNEL(type, FORMAT) \
    extern "C" __global__ void __launch_bounds__(32 * EXACT_WARPS) expert_matmul_##type##_exact(const uint8_t* weights, int outputs, \
            int columns, const float* in, int64_t in_stride, int slots_per_in_row, const int* experts, float* out, int64_t out_stride) { \
        expert_matmul_exact<FORMAT>(weights, outputs, columns, in, in_stride, slots_per_in_row, experts, out, out_stride); \
    }
