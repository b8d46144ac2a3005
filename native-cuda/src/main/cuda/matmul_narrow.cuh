#pragma once
#include "matmul.cuh"

// Products of few rows on tensor cores: each of 8 warps takes every eighth chunk of the columns, so that a block of 16 or 32 weight rows keeps
// eight streams of weights in flight; the warps' sums are added in a fixed order at the end. Activations come from the second-level cache.

constexpr int NARROW_WARPS = 8;

/** Rows of activations and results of one tile: the rows from `first` on, or the slots of a list. */
struct TileRows {
    int first, count;
    const int* slots;
    int slots_per_in_row;

    __device__ __forceinline__ int out_row(int i) const {
        return slots == nullptr ? first + i : slots[first + i];
    }
    __device__ __forceinline__ int in_row(int i) const {
        return slots == nullptr ? first + i : slots[first + i] / slots_per_in_row;
    }
};

/** 16 TILES_OUT weight rows from first_output on, times at most 8 TILES_IN rows. 256 threads. */
template <class FORMAT, int TILES_OUT, int TILES_IN>
__device__ __forceinline__ void matmul_narrow(const uint8_t* weights, int first_output, int outputs, int columns, const uint16_t* in,
        const float* in_scales, TileRows tile, float* out, int64_t out_stride) {
    constexpr int SUMS = TILES_OUT * TILES_IN * 4;
    __shared__ float partial[NARROW_WARPS / 2][SUMS][32];
    int warp = threadIdx.x / 32, quad = threadIdx.x % 32 / 4, lane = threadIdx.x % 4;
    int chunks = (columns + CHUNK - 1) / CHUNK;
    int in_stride = chunks * CHUNK;

    const uint8_t* weight_rows[2 * TILES_OUT];
    typename FORMAT::Run raw[2 * TILES_OUT];
#pragma unroll
    for (int i = 0; i < 2 * TILES_OUT; i++) {
        weight_rows[i] = weights + min(first_output + quad + 8 * i, outputs - 1) * row_bytes<FORMAT>(columns);
        raw[i] = load_run<FORMAT>(weight_rows[i], warp * CHUNK_RUNS + lane, columns);
    }
    const uint16_t* in_rows[TILES_IN];
#pragma unroll
    for (int n = 0; n < TILES_IN; n++) {
        // Rows past the last repeat it; their results are not stored.
        in_rows[n] = in + static_cast<int64_t>(tile.in_row(min(8 * n + quad, tile.count - 1))) * in_stride + lane * RUN;
    }
    float sums[TILES_OUT][TILES_IN][4] = {};
    for (int chunk = warp; chunk < chunks; chunk += NARROW_WARPS) {
        WeightFragments w[TILES_OUT];
#pragma unroll
        for (int i = 0; i < 2 * TILES_OUT; i++) {
            decode_fragments<FORMAT>(raw[i], chunk * CHUNK_RUNS + lane, i % 2, w[i / 2]);
        }
#pragma unroll
        for (int i = 0; i < 2 * TILES_OUT; i++) {
            raw[i] = load_run<FORMAT>(weight_rows[i], (chunk + NARROW_WARPS) * CHUNK_RUNS + lane, columns);
        }
#pragma unroll
        for (int n = 0; n < TILES_IN; n++) {
            if (8 * n < tile.count) {
                const uint4* from = reinterpret_cast<const uint4*>(in_rows[n] + chunk * CHUNK);
                uint4 b[2] = {from[0], from[1]};
#pragma unroll
                for (int half = 0; half < 2; half++) {
#pragma unroll
                    for (int m = 0; m < TILES_OUT; m++) {
                        mma_16x8x16(sums[m][n], w[m].a[2 * half], b[half].x, b[half].y);
                        mma_16x8x16(sums[m][n], w[m].a[2 * half + 1], b[half].z, b[half].w);
                    }
                }
            }
        }
    }
    float* mine = &sums[0][0][0];
#pragma unroll
    for (int others = NARROW_WARPS / 2; others > 0; others /= 2) {
        if (warp >= others && warp < 2 * others) {
#pragma unroll
            for (int i = 0; i < SUMS; i++) {
                partial[warp - others][i][threadIdx.x % 32] = mine[i];
            }
        }
        __syncthreads();
        if (warp < others) {
#pragma unroll
            for (int i = 0; i < SUMS; i++) {
                mine[i] += partial[warp][i][threadIdx.x % 32];
            }
        }
        __syncthreads();
    }
    if (warp == 0) {
#pragma unroll
        for (int i = 0; i < SUMS; i++) {
            int row = i / 4 % TILES_IN * 8 + 2 * lane + i % 2;
            int output = first_output + i / (4 * TILES_IN) * 16 + quad + i / 2 % 2 * 8;
            if (row < tile.count && output < outputs) {
                out[tile.out_row(row) * out_stride + output] = mine[i] * in_scales[tile.in_row(row)];
            }
        }
    }
}

#define MATMUL_NARROW_KERNEL(type, FORMAT, TILES_OUT, TILES_IN, ROWS)                                                                           \
    extern "C" __global__ void __launch_bounds__(32 * NARROW_WARPS) matmul_##type##_narrow##ROWS(const uint8_t* weights, int outputs,           \
            int columns, const uint16_t* in, const float* in_scales, int rows, float* out, int64_t out_stride) {                                \
        TileRows tile = {static_cast<int>(blockIdx.y) * ROWS, min(rows - static_cast<int>(blockIdx.y) * ROWS, ROWS), nullptr, 1};               \
        matmul_narrow<FORMAT, TILES_OUT, TILES_IN>(                                                                                             \
                weights, blockIdx.x * 16 * TILES_OUT, outputs, columns, in, in_scales, tile, out, out_stride);                                  \
    }
