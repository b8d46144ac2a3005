#pragma once
#include "matmul.cuh"

// Products of few rows on tensor cores: each of 8 warps takes every eighth chunk of the columns, so that a block of 16 or 32 weight rows keeps
// eight streams of weights in flight; the warps' sums are added in a fixed order at the end. Activations come from the second-level cache.

constexpr int NARROW_WARPS = 8;

/** 16 TILES_OUT weight rows from first_output on, times `rows` rows from first_row on, at most 8 TILES_IN. */
template <class FORMAT, int TILES_OUT, int TILES_IN>
__device__ __forceinline__ void matmul_narrow(const uint8_t* weights, int first_output, int outputs, int columns, const uint16_t* in,
        const float* in_scales, int first_row, int rows, float* out, int64_t out_stride) {
    constexpr int SUMS = TILES_OUT * TILES_IN * 4;
    __shared__ float partial[NARROW_WARPS / 2][SUMS][32];
    int warp = threadIdx.x / 32, quad = threadIdx.x % 32 / 4, lane = threadIdx.x % 4;
    int chunks = (columns + CHUNK - 1) / CHUNK;
    int in_stride = chunks * CHUNK;

    // Offsets instead of pointers: half the registers.
    const uint8_t* block_weights = weights + first_output * row_bytes<FORMAT>(columns);
    uint32_t weight_rows[2 * TILES_OUT];
    typename FORMAT::Run raw[2 * TILES_OUT];
#pragma unroll
    for (int i = 0; i < 2 * TILES_OUT; i++) {
        weight_rows[i] = min(quad + 8 * i, outputs - 1 - first_output) * static_cast<uint32_t>(row_bytes<FORMAT>(columns));
        raw[i] = load_run<FORMAT>(block_weights + weight_rows[i], warp * CHUNK_RUNS + lane, columns);
    }
    const uint4* units = reinterpret_cast<const uint4*>(in);
    uint32_t in_rows[TILES_IN];
    uint4 x[TILES_IN][2] = {};
#pragma unroll
    for (int n = 0; n < TILES_IN; n++) {
        // Rows past the last repeat it; their results are not stored.
        int row = first_row + min(8 * n + quad, rows - 1);
        in_rows[n] = row * static_cast<uint32_t>(in_stride / 8) + warp * (CHUNK / 8) + lane * (RUN / 8);
        if (8 * n < rows && warp < chunks) {
            x[n][0] = units[in_rows[n]];
            x[n][1] = units[in_rows[n] + 1];
        }
    }
    float sums[TILES_OUT][TILES_IN][4] = {};
    // Everything that the next round needs is fetched as soon as its registers are free.
    for (int chunk = warp; chunk < chunks; chunk += NARROW_WARPS) {
        int next = chunk + NARROW_WARPS;
        WeightFragments w[TILES_OUT];
#pragma unroll
        for (int i = 0; i < 2 * TILES_OUT; i++) {
            decode_fragments<FORMAT>(raw[i], chunk * CHUNK_RUNS + lane, i % 2, w[i / 2]);
        }
#pragma unroll
        for (int i = 0; i < 2 * TILES_OUT; i++) {
            raw[i] = load_run<FORMAT>(block_weights + weight_rows[i], next * CHUNK_RUNS + lane, columns);
        }
#pragma unroll
        for (int n = 0; n < TILES_IN; n++) {
            if (8 * n < rows) {
#pragma unroll
                for (int half = 0; half < 2; half++) {
#pragma unroll
                    for (int m = 0; m < TILES_OUT; m++) {
                        mma_16x8x16(sums[m][n], w[m].a[2 * half], x[n][half].x, x[n][half].y);
                        mma_16x8x16(sums[m][n], w[m].a[2 * half + 1], x[n][half].z, x[n][half].w);
                    }
                }
                in_rows[n] += NARROW_WARPS * CHUNK / 8;
                if (next < chunks) {
                    x[n][0] = units[in_rows[n]];
                    x[n][1] = units[in_rows[n] + 1];
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
            if (row < rows && output < outputs) {
                out[(first_row + row) * out_stride + output] = mine[i] * in_scales[first_row + row];
            }
        }
    }
}

#define MATMUL_NARROW_KERNEL(name, FORMAT, TILES_OUT, TILES_IN, BLOCKS_PER_PROCESSOR) \
    extern "C" __global__ void __launch_bounds__(32 * NARROW_WARPS, BLOCKS_PER_PROCESSOR) name(const uint8_t* weights, int outputs, \
            int columns, const uint16_t* in, const float* in_scales, int rows, float* out, int64_t out_stride) { \
        int first = blockIdx.y * 8 * TILES_IN; \
        matmul_narrow<FORMAT, TILES_OUT, TILES_IN>(weights, blockIdx.x * 16 * TILES_OUT, outputs, columns, in, in_scales, first, \
                min(rows - first, 8 * TILES_IN), out, out_stride); \
    }

/** Grid (ceil(outputs / 16), ceil(rows / 16)) and (ceil(outputs / 32), ceil(rows / 64)), 256 threads. */
#define MATMUL_NARROW_KERNELS(type, FORMAT) \
    MATMUL_NARROW_KERNEL(matmul_##type##_narrow16, FORMAT, 1, 2, 3) \
    MATMUL_NARROW_KERNEL(matmul_##type##_narrow64, FORMAT, 2, 8, 1)
