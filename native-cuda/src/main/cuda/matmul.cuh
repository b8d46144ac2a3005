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

/** The rows of one tile of activations and results: those from `first` on, or where there are routed experts the slots of a list. */
struct TileRows {
    int first, count;
    const int* slots; // null for rows as they stand
    int slots_per_in_row;

    __device__ __forceinline__ int out_row(int i) const {
        return slots == nullptr ? first + i : slots[first + i];
    }
    __device__ __forceinline__ int in_row(int i) const {
        return slots == nullptr ? first + i : slots[first + i] / slots_per_in_row;
    }
};

// Tile of 128 weight rows x 64 or 128 rows of activations; each of 4 warps has 32 weight rows and all of the activations, which come through
// shared memory three chunks deep. 16-byte units are swapped in odd rows, so that eight threads that read together meet all banks.
constexpr int TILE_WEIGHTS = 128;
constexpr int TILE_THREADS = 128;
constexpr int TILE_STAGES = 3;

/** Copies a tile's activations to shared memory, chunk after chunk; a thread copies one 16-byte unit of every 16th row. */
template <int ROWS, bool ROUTED>
struct TileCopy {
    static constexpr int ROW_STEP = TILE_THREADS / 8;
    const uint16_t* next;
    int in_stride, rows_left;
    uint32_t offsets[ROUTED ? ROWS / ROW_STEP : 1];

    __device__ __forceinline__ TileCopy(const uint16_t* in, int in_stride, const TileRows& tile) : in_stride(in_stride) {
        int row = threadIdx.x / 8;
        rows_left = tile.count - row;
        next = in + threadIdx.x % 8 * 8;
        if constexpr (ROUTED) {
#pragma unroll
            for (int i = 0; i < ROWS / ROW_STEP; i++) {
                offsets[i] = tile.in_row(min(row + i * ROW_STEP, tile.count - 1)) * static_cast<uint32_t>(in_stride);
            }
        } else {
            next += static_cast<int64_t>(tile.first + row) * in_stride;
        }
    }

    __device__ __forceinline__ void copy_chunk(uint4* stage) {
        uint4* to = stage + (threadIdx.x ^ (threadIdx.x / 8 & 1));
#pragma unroll
        for (int i = 0; i < ROWS / ROW_STEP; i++) {
            const uint16_t* from = ROUTED ? next + offsets[ROUTED ? i : 0] : next + static_cast<int64_t>(i * ROW_STEP) * in_stride;
            copy_16_bytes_async(to + i * TILE_THREADS, from, i * ROW_STEP < rows_left);
        }
        next += CHUNK;
    }
};

/** 128 weight rows from first_output on, times the rows of a tile. */
template <class FORMAT, int ROWS, bool ROUTED>
__device__ __forceinline__ void matmul_tile(const uint8_t* weights, int first_output, int outputs, int columns, const uint16_t* in,
        const float* in_scales, const TileRows& tile, float* out, int64_t out_stride) {
    __shared__ uint4 stages[TILE_STAGES][ROWS * 8];
    int warp = threadIdx.x / 32, quad = threadIdx.x % 32 / 4, lane = threadIdx.x % 4;
    int chunks = (columns + CHUNK - 1) / CHUNK;
    TileCopy<ROWS, ROUTED> copy(in, chunks * CHUNK, tile);

    // Offsets from the block's first weight row: four pointers would take registers that the sums need.
    const uint8_t* block_weights = weights + first_output * row_bytes<FORMAT>(columns);
    uint32_t weight_rows[4];
    typename FORMAT::Run raw[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int row = min(warp * 32 + quad + 8 * i, outputs - 1 - first_output);
        weight_rows[i] = row * static_cast<uint32_t>(row_bytes<FORMAT>(columns));
        raw[i] = load_run<FORMAT>(block_weights + weight_rows[i], lane, columns);
    }
    float sums[2][ROWS / 8][4] = {};
    for (int chunk = 0; chunk < TILE_STAGES - 1; chunk++) {
        if (chunk < chunks) {
            copy.copy_chunk(stages[chunk]);
        }
        end_copy_group();
    }
    int stage = 0;
    for (int chunk = 0; chunk < chunks; chunk++) {
        wait_for_copies<TILE_STAGES - 2>();
        __syncthreads();
        if (chunk + TILE_STAGES - 1 < chunks) {
            copy.copy_chunk(stages[stage == 0 ? TILE_STAGES - 1 : stage - 1]);
        }
        end_copy_group();

        WeightFragments w[2];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            decode_fragments<FORMAT>(raw[i], chunk * CHUNK_RUNS + lane, i % 2, w[i / 2]);
        }
#pragma unroll
        for (int half = 0; half < 2; half++) {
            // The next weights, half of them now: the others can have the registers of the fragments that this half uses up.
#pragma unroll
            for (int i = 2 * half; i < 2 * half + 2; i++) {
                raw[i] = load_run<FORMAT>(block_weights + weight_rows[i], (chunk + 1) * CHUNK_RUNS + lane, columns);
            }
            const uint4* units = stages[stage] + quad * 8 + (2 * lane + half ^ quad & 1);
#pragma unroll
            for (int n = 0; n < ROWS / 8; n++) {
                // An expert seldom has a full tile; elsewhere the question costs more than it saves.
                if (!ROUTED || 8 * n < tile.count) {
                    uint4 b = units[n * 64];
#pragma unroll
                    for (int m = 0; m < 2; m++) {
                        mma_16x8x16(sums[m][n], w[m].a[2 * half], b.x, b.y);
                        mma_16x8x16(sums[m][n], w[m].a[2 * half + 1], b.z, b.w);
                    }
                }
            }
        }
        stage = stage + 1 == TILE_STAGES ? 0 : stage + 1;
    }
#pragma unroll
    for (int n = 0; n < ROWS / 8; n++) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
            int row = n * 8 + 2 * lane + i;
            if (row < tile.count) {
                float scale = in_scales[ROUTED ? tile.in_row(row) : tile.first + row];
                float* to = out + (ROUTED ? tile.out_row(row) : tile.first + row) * out_stride;
#pragma unroll
                for (int m = 0; m < 4; m++) {
                    int output = first_output + warp * 32 + quad + 8 * m;
                    if (output < outputs) {
                        to[output] = sums[m / 2][n][m % 2 * 2 + i] * scale;
                    }
                }
            }
        }
    }
}

#define MATMUL_TILE_KERNEL(name, FORMAT, ROWS, BLOCKS_PER_PROCESSOR) \
    extern "C" __global__ void __launch_bounds__(TILE_THREADS, BLOCKS_PER_PROCESSOR) name(const uint8_t* weights, int outputs, int columns, \
            const uint16_t* in, const float* in_scales, int rows, float* out, int64_t out_stride) { \
        int first = blockIdx.x * ROWS; \
        matmul_tile<FORMAT, ROWS, false>(weights, blockIdx.y * TILE_WEIGHTS, outputs, columns, in, in_scales, \
                {first, min(rows - first, ROWS), nullptr, 1}, out, out_stride); \
    }

/** Grid (ceil(rows / 128), ceil(outputs / 128)), and for _tile64 (ceil(rows / 64), ceil(outputs / 128)); 128 threads. */
#define MATMUL_KERNELS(type, FORMAT) \
    MATMUL_TILE_KERNEL(matmul_##type, FORMAT, 128, 2) \
    MATMUL_TILE_KERNEL(matmul_##type##_tile64, FORMAT, 64, 3)
