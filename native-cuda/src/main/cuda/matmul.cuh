#pragma once
#include "block_formats.cuh"
#include "tensor_core.cuh"

// Products of many rows on tensor cores: out[r][n] = sum_k in[r][k] * weight[n][k].
//
// The weights are the 16-row operand of the matrix instruction and are decoded straight into its registers: a thread holds a run of 16
// elements of a weight row for every 64 columns ("chunk"), which makes the k positions of four instructions. The order of k within a chunk
// is the same permutation for both operands, so nothing is shuffled. Activations are f16 as matmul_input writes them: rows scaled by a
// power of two, zero up to a whole chunk.

constexpr int CHUNK = 64;
constexpr int CHUNK_RUNS = CHUNK / RUN;

/** Decoded weights of 16 rows and one chunk: the operands of four instructions. */
struct WeightFragments {
    uint32_t a[4][4];
};

/** Puts the run of row lane / 4 (upper = false) or lane / 4 + 8 of the 16 into the fragments. */
template <class FORMAT>
__device__ __forceinline__ void decode_fragments(const typename FORMAT::Run& raw, unsigned run, bool upper, WeightFragments& w) {
    float values[RUN];
    FORMAT::decode(raw, run, values);
#pragma unroll
    for (int i = 0; i < 4; i++) {
        w.a[i][upper] = floats_to_half2(values[4 * i], values[4 * i + 1]);
        w.a[i][2 + upper] = floats_to_half2(values[4 * i + 2], values[4 * i + 3]);
    }
}

// Tile of 128 weight rows x 128 rows of activations; each of 4 warps has 32 weight rows and all of the activations, which come through
// shared memory three chunks deep. 16-byte units are swapped in odd rows, so that eight threads that read together meet all banks.
constexpr int TILE_WEIGHTS = 128;
constexpr int TILE_ROWS = 128;
constexpr int TILE_THREADS = 128;
constexpr int TILE_STAGES = 3;

/** Starts copying one chunk of the rows row, row + 16, ... of the tile; from is that of the first row, of which `rows` are left. */
__device__ __forceinline__ void copy_tile_rows(const uint16_t* from, int in_stride, int rows, uint4* stage) {
    int row = threadIdx.x / 8;
    uint4* to = stage + (threadIdx.x ^ (row & 1));
#pragma unroll
    for (int i = 0; i < TILE_ROWS * 8 / TILE_THREADS; i++) {
        constexpr int STEP = TILE_THREADS / 8;
        copy_16_bytes_async(to + i * TILE_THREADS, from + static_cast<int64_t>(i * STEP) * in_stride, row + i * STEP < rows);
    }
}

/** Grid (ceil(rows / 128), ceil(outputs / 128)), 128 threads. */
template <class FORMAT>
__device__ __forceinline__ void matmul_tile(const uint8_t* weights, int outputs, int columns, const uint16_t* in, const float* in_scales,
        int rows, float* out, int64_t out_stride) {
    __shared__ uint4 stages[TILE_STAGES][TILE_ROWS * 8];
    int warp = threadIdx.x / 32, quad = threadIdx.x % 32 / 4, lane = threadIdx.x % 4;
    int first_row = blockIdx.x * TILE_ROWS;
    int first_output = blockIdx.y * TILE_WEIGHTS + warp * 32;
    int chunks = (columns + CHUNK - 1) / CHUNK;
    int in_stride = chunks * CHUNK;

    // Offsets from the block's first weight row: four pointers would take registers that the sums need.
    const uint8_t* block_weights = weights + static_cast<int>(blockIdx.y) * TILE_WEIGHTS * row_bytes<FORMAT>(columns);
    uint32_t weight_rows[4];
    typename FORMAT::Run raw[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int row = min(first_output + quad + 8 * i, outputs - 1) - blockIdx.y * TILE_WEIGHTS;
        weight_rows[i] = row * static_cast<uint32_t>(row_bytes<FORMAT>(columns));
        raw[i] = load_run<FORMAT>(block_weights + weight_rows[i], lane, columns);
    }
    float sums[2][TILE_ROWS / 8][4] = {};
    const uint16_t* next_copy = in + static_cast<int64_t>(first_row + threadIdx.x / 8) * in_stride + threadIdx.x % 8 * 8;
    for (int chunk = 0; chunk < TILE_STAGES - 1; chunk++) {
        if (chunk < chunks) {
            copy_tile_rows(next_copy, in_stride, rows - first_row, stages[chunk]);
        }
        end_copy_group();
        next_copy += CHUNK;
    }
    int stage = 0;
    for (int chunk = 0; chunk < chunks; chunk++) {
        wait_for_copies<TILE_STAGES - 2>();
        __syncthreads();
        if (chunk + TILE_STAGES - 1 < chunks) {
            copy_tile_rows(next_copy, in_stride, rows - first_row, stages[stage == 0 ? TILE_STAGES - 1 : stage - 1]);
        }
        end_copy_group();
        next_copy += CHUNK;

        WeightFragments w[2];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            decode_fragments<FORMAT>(raw[i], chunk * CHUNK_RUNS + lane, i % 2, w[i / 2]);
        }
#pragma unroll
        for (int i = 0; i < 4; i++) {
            raw[i] = load_run<FORMAT>(block_weights + weight_rows[i], (chunk + 1) * CHUNK_RUNS + lane, columns);
        }
#pragma unroll
        for (int half = 0; half < 2; half++) {
            const uint4* units = stages[stage] + quad * 8 + (2 * lane + half ^ quad & 1);
#pragma unroll
            for (int tile = 0; tile < TILE_ROWS / 8; tile++) {
                uint4 b = units[tile * 64];
#pragma unroll
                for (int m = 0; m < 2; m++) {
                    mma_16x8x16(sums[m][tile], w[m].a[2 * half], b.x, b.y);
                    mma_16x8x16(sums[m][tile], w[m].a[2 * half + 1], b.z, b.w);
                }
            }
        }
        stage = stage + 1 == TILE_STAGES ? 0 : stage + 1;
    }
#pragma unroll
    for (int tile = 0; tile < TILE_ROWS / 8; tile++) {
#pragma unroll
        for (int i = 0; i < 8; i++) {
            int row = first_row + tile * 8 + 2 * lane + i % 2;
            int output = first_output + quad + i / 2 * 8;
            if (row < rows && output < outputs) {
                out[row * out_stride + output] = sums[i / 4][tile][i % 4] * in_scales[row];
            }
        }
    }
}

#define MATMUL_KERNEL(type, FORMAT)                                                                                                             \
    extern "C" __global__ void __launch_bounds__(TILE_THREADS, 2) matmul_##type(const uint8_t* weights, int outputs, int columns,               \
            const uint16_t* in, const float* in_scales, int rows, float* out, int64_t out_stride) {                                             \
        matmul_tile<FORMAT>(weights, outputs, columns, in, in_scales, rows, out, out_stride);                                                   \
    }
