// Products of up to 32 rows with weights in tiles, on tensor cores: every weight is read once and decoded in registers, where the fragments of mma have it.
// The order of columns within a product does not matter as long as both operands have the same: lane t of four decodes chunks t and t + 4 of a tile, and the
// input is brought to that order before.
#pragma once
#include "half_panel.cuh"
#include "matmul_output.cuh"
#include "tensor_core.cuh"
#include "tile_values.cuh"

constexpr int FEW_ROWS = 32;
constexpr int FEW_WARPS = 16;
// Row tiles of a warp, and of those warps that share their columns; the other warps have other columns. Twice as many tiles for a warp do not fit its registers.
constexpr int FEW_WARP_TILES = 2;
constexpr int FEW_BLOCK_TILES = 8;
constexpr int FEW_SHARING = FEW_BLOCK_TILES / FEW_WARP_TILES;
constexpr int FEW_PARTS = FEW_WARPS / FEW_SHARING;

/** Sums of a warp: of a pair of row tiles, eight rows of the input, and the fragment of mma. */
using FewSums = float[FEW_WARP_TILES / 2][FEW_ROWS / 8][4];

/** The input as the warps read it: [tile of columns][half][unit of 8 columns][8 rows][lane], 16 bytes each; zeros where there is no row or column. */
struct FewInput {
    const uint4* units;

    static constexpr int UNITS = 4;
    static constexpr int GROUPS = FEW_ROWS / 8;

    /** Of chunk 4 half + lane % 4 of a tile: its first 16 columns are units 0 and 1. */
    template <class F>
    static __device__ __forceinline__ int column(int tile, int chunk, int unit) {
        return tile * F::TILE_COLUMNS + (unit < 2 ? TileValues<F>::first(chunk) : TileValues<F>::second(chunk)) + unit % 2 * 8;
    }

    __device__ __forceinline__ uint4 read(int tile_half, int unit, int group) const {
        return __ldg(units + (tile_half * UNITS * GROUPS + unit * GROUPS + group) * 32 + threadIdx.x % 32);
    }
};

/** Brings a panel to that order; a thread for each unit. */
template <class F>
__device__ __forceinline__ void arrange_few(const uint16_t* panel, int groups, int rows, int columns, uint4* units) {
    const RowTileShape<F> shape(columns);
    const int at = blockIdx.x * blockDim.x + threadIdx.x;
    const int lane = at % 32, group = at / 32 % FewInput::GROUPS, unit = at / (32 * FewInput::GROUPS) % FewInput::UNITS;
    const int tile_half = at / (32 * FewInput::GROUPS * FewInput::UNITS), tile = tile_half / 2;
    const int chunk = tile_half % 2 * 4 + lane % 4, row = 8 * group + lane / 4;
    if (tile >= shape.tiles) {
        return;
    }
    const bool there = row < rows && chunk < (tile == shape.tiles - 1 ? shape.lastChunks : CHUNKS_PER_TILE);
    units[at] = there ? *reinterpret_cast<const uint4*>(panel + panel_index(groups, row, FewInput::column<F>(tile, chunk, unit))) : uint4{};
}

/** A lane's chunk of a tile, for each pair of row tiles: lanes 0 to 15 have the first of a pair, lanes 16 to 31 the second, rows lane % 16 / 4 and four below. */
template <class F>
struct FewWeights {
    typename F::Fragment fragments[FEW_WARP_TILES / 2];

    __device__ __forceinline__ void load(const uint8_t* const (&row_tiles)[FEW_WARP_TILES / 2], int64_t offset, int chunks, int chunk) {
#pragma unroll
        for (int pair = 0; pair < FEW_WARP_TILES / 2; pair++) {
            fragments[pair] = chunk < chunks ? F::load(row_tiles[pair] + offset, chunks, threadIdx.x % 16 / 4, chunk) : typename F::Fragment{};
        }
    }

    __device__ __forceinline__ void multiply(const FewInput& in, int tile_half, int chunk, FewSums& sums) const {
#pragma unroll
        for (int part = 0; part < 2; part++) {
            // Low or high: the other is not computed.
            uint32_t values[FEW_WARP_TILES / 2][2][2][8]; // [pair][row, row + 4][low, high]
#pragma unroll
            for (int pair = 0; pair < FEW_WARP_TILES / 2; pair++) {
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    TileValues<F>::decode(fragments[pair], i, chunk, values[pair][i][0], values[pair][i][1]);
                }
            }
#pragma unroll
            for (int unit = 0; unit < 2; unit++) {
#pragma unroll
                for (int group = 0; group < FEW_ROWS / 8; group++) {
                    uint4 b = in.read(tile_half, 2 * part + unit, group);
#pragma unroll
                    for (int pair = 0; pair < FEW_WARP_TILES / 2; pair++) {
                        const uint32_t* upper = values[pair][0][part] + unit * 4;
                        const uint32_t* lower = values[pair][1][part] + unit * 4;
                        mma_16x8x16(sums[pair][group], {upper[0], lower[0], upper[1], lower[1]}, b.x, b.y);
                        mma_16x8x16(sums[pair][group], {upper[2], lower[2], upper[3], lower[3]}, b.z, b.w);
                    }
                }
            }
        }
    }
};

/** Adds up the parts of the columns, in a fixed order; warps of part 0 have the sums then. */
__device__ __forceinline__ void add_parts(FewSums& sums) {
    constexpr int COUNT = sizeof(FewSums) / sizeof(float);
    __shared__ float others[FEW_WARPS / 2][COUNT][32];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    float* own = &sums[0][0][0];
#pragma unroll
    for (int half = FEW_WARPS / 2; half >= FEW_SHARING; half /= 2) {
        __syncthreads();
        if (warp >= half && warp < 2 * half) {
#pragma unroll
            for (int i = 0; i < COUNT; i++) {
                others[warp - half][i][lane] = own[i];
            }
        }
        __syncthreads();
        if (warp < half) {
#pragma unroll
            for (int i = 0; i < COUNT; i++) {
                own[i] += others[warp][i][lane];
            }
        }
    }
}

/** out[r][n], r < rows <= 32. With `geglu` rows 0-3 of a row tile are gates and 4-7 their ups, and output n = 4 (row tile) + i is gelu(gate i) * up i. */
template <class F>
__device__ __forceinline__ void matmul_few(const uint8_t* tiles, int outputs, int columns, const FewInput& in, const float* in_scales, int rows, float* out,
        int64_t stride, bool geglu) {
    const RowTileShape<F> shape(columns);
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const int first_tile = blockIdx.x * FEW_BLOCK_TILES + warp % FEW_SHARING * FEW_WARP_TILES + lane / 16;
    const int last_tile = (outputs + ROWS_PER_TILE - 1) / ROWS_PER_TILE - 1;
    const uint8_t* row_tiles[FEW_WARP_TILES / 2];
#pragma unroll
    for (int pair = 0; pair < FEW_WARP_TILES / 2; pair++) {
        row_tiles[pair] = tiles + min(first_tile + 2 * pair, last_tile) * shape.bytes();
    }
    // In units of four chunks.
    const int part = warp / FEW_SHARING;
    const int end = 2 * shape.tiles * (part + 1) / FEW_PARTS;
    int at = 2 * shape.tiles * part / FEW_PARTS;
    auto chunks_of = [&](int unit) { return unit / 2 == shape.tiles - 1 ? shape.lastChunks : CHUNKS_PER_TILE; };
    auto load = [&](FewWeights<F>& weights, int unit) {
        weights.load(row_tiles, static_cast<int64_t>(unit / 2) * F::TILE_BYTES, chunks_of(unit), unit % 2 * 4 + lane % 4);
    };

    FewSums sums = {};
    FewWeights<F> weights;
    if (at < end) {
        load(weights, at);
    }
#pragma unroll 1
    for (; at < end; at++) {
        FewWeights<F> current = weights;
        if (at + 1 < end) {
            load(weights, at + 1);
        }
        current.multiply(in, at, at % 2 * 4 + lane % 4, sums);
    }
    add_parts(sums);
    if (part != 0) {
        return;
    }
#pragma unroll
    for (int pair = 0; pair < FEW_WARP_TILES / 2; pair++) {
        int tile = first_tile + 2 * pair;
#pragma unroll
        for (int i = 0; i < FEW_ROWS / 4; i++) {
            int row = i / 2 * 8 + lane % 4 * 2 + i % 2;
            if (row >= rows || tile > last_tile) {
                continue;
            }
            float scale = scale_of_row(in_scales, row);
            float upper = sums[pair][i / 2][i % 2] * scale, lower = sums[pair][i / 2][i % 2 + 2] * scale;
            float* to = out + row * stride;
            if (geglu) {
                to[tile * 4 + lane % 16 / 4] = GegluOutput::geglu(upper, lower);
            } else {
                int output = tile * ROWS_PER_TILE + lane % 16 / 4;
                if (output < outputs) {
                    to[output] = upper;
                }
                if (output + 4 < outputs) {
                    to[output + 4] = lower;
                }
            }
        }
    }
}

/** matmul_few: grid (ceil(outputs / 64)), 512 threads. matmul_few_input: a thread for each of 1024 units of a tile. */
#define MATMUL_FEW_KERNELS(type, FORMAT) \
    extern "C" __global__ void __launch_bounds__(32 * FEW_WARPS, 1) matmul_few_##type(const uint8_t* tiles, int outputs, int columns, const uint4* in, \
            const float* in_scales, int rows, float* out, int64_t stride, int geglu) { \
        matmul_few<FORMAT>(tiles, outputs, columns, {in}, in_scales, rows, out, stride, geglu != 0); \
    } \
    extern "C" __global__ void __launch_bounds__(256) matmul_few_##type##_input(const uint16_t* panel, int groups, int rows, int columns, uint4* units) { \
        arrange_few<FORMAT>(panel, groups, rows, columns, units); \
    }
