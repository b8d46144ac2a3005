// Tiles of weights to a panel of f16. A warp takes a tile, passes it through shared memory, and writes whole rows of atoms.
#pragma once
#include "half_panel.cuh"
#include "tile_values.cuh"

constexpr int DEQUANTIZE_WARPS = 8;

/** What to dequantize: matrices of `row_tiles` tiles of rows, and the panels they go to. */
struct TileMatrices {
    const uint8_t* tiles;
    int row_tiles;
    int columns;
    int64_t matrix_bytes;
    uint16_t* panels;
    int64_t panel_bytes;
    // Rows 0-3 of a tile are gates and 4-7 their ups: they go where GegluOutput wants them. row_tiles is a multiple of 4.
    bool paired;
    // Null, or tiles of rows before those of each expert: experts without any are left out.
    const int* first_tiles;
    int first_expert;
};

/** Place of row `row` of row tile `tile` in the panel: atom of the column of atoms, and row of the atom. */
__device__ __forceinline__ int2 panel_row(int tile, int row, bool paired) {
    // Within 32 rows, gate i of tile t is row 8 i + 2 t, and its up the next.
    return paired ? make_int2(tile / 4 * 4 + row % 4, tile % 4 * 2 + row / 4) : make_int2(tile, row);
}

template <class F>
__device__ __forceinline__ void dequantize(const TileMatrices& m) {
    constexpr int UNITS = F::TILE_COLUMNS; // of 8 values of the 8 rows
    __shared__ uint4 staged[DEQUANTIZE_WARPS][UNITS];
    int matrix = blockIdx.z;
    int row_tile = blockIdx.y * DEQUANTIZE_WARPS + threadIdx.x / 32;
    if (row_tile >= m.row_tiles
            || m.first_tiles != nullptr && m.first_tiles[m.first_expert + matrix] == m.first_tiles[m.first_expert + matrix + 1]) {
        return;
    }
    RowTileShape<F> shape(m.columns);
    int chunks = static_cast<int>(blockIdx.x) == shape.tiles - 1 ? shape.lastChunks : CHUNKS_PER_TILE;
    const uint8_t* tile = m.tiles + matrix * m.matrix_bytes + row_tile * shape.bytes() + static_cast<int64_t>(blockIdx.x) * F::TILE_BYTES;
    uint4* stage = staged[threadIdx.x / 32];
    int row = threadIdx.x % 32 / 8, chunk = threadIdx.x % 8;
    // Units are swapped within the row of an atom, so that lanes which store together meet different banks.
    auto place = [](int chunk64, int row, int unit) { return chunk64 * 64 + row * 8 + (unit ^ row ^ chunk64 >> 1 ^ (chunk64 & 1) << 2); };

    if constexpr (F::QUANTIZED) {
        typename F::Fragment fragment{};
        if (chunk < chunks) {
            fragment = F::load(tile, chunks, row, chunk);
        }
        int first = TileValues<F>::first(chunk), second = TileValues<F>::second(chunk);
#pragma unroll
        for (int i = 0; i < 2; i++) {
            uint32_t low[8] = {}, high[8] = {};
            if (chunk < chunks) {
                TileValues<F>::decode(fragment, i, chunk, low, high);
            }
#pragma unroll
            for (int unit = 0; unit < 2; unit++) {
                stage[place(first / 64, row + 4 * i, first % 64 / 8 + unit)] = make_uint4(low[4 * unit], low[4 * unit + 1], low[4 * unit + 2], low[4 * unit + 3]);
                stage[place(second / 64, row + 4 * i, second % 64 / 8 + unit)] =
                        make_uint4(high[4 * unit], high[4 * unit + 1], high[4 * unit + 2], high[4 * unit + 3]);
            }
        }
    } else {
        typename F::Fragment fragment{};
        if (chunk < chunks) {
            fragment = F::load(tile, chunks, row, chunk);
        }
#pragma unroll
        for (int i = 0; i < 2; i++) {
            stage[place(0, row + 4 * i, chunk)] = sixteen_bit_values<F>(fragment.elements[i]);
        }
    }
    __syncwarp();

    int first_chunk64 = blockIdx.x * (F::TILE_COLUMNS / PANEL_COLUMNS);
    int chunks64 = (m.columns + PANEL_COLUMNS - 1) / PANEL_COLUMNS;
    uint4* panel = reinterpret_cast<uint4*>(m.panels) + matrix * (m.panel_bytes / 16);
#pragma unroll
    for (int i = 0; i < UNITS / 32; i++) {
        int unit = i * 32 + threadIdx.x % 32;
        int chunk64 = unit / 64, from = unit % 64 / 8;
        int2 to = panel_row(row_tile, from, m.paired);
        if (first_chunk64 + chunk64 < chunks64) {
            panel[(static_cast<int64_t>(first_chunk64 + chunk64) * m.row_tiles + to.x) * (ATOM_BYTES / 16) + to.y * 8 + unit % 8] =
                    stage[place(chunk64, from, unit % 8 ^ to.y)];
        }
    }
}

/** Grid (tiles of a row, ceil(row_tiles / 8), matrices), 256 threads. */
#define DEQUANTIZE_KERNEL(type, FORMAT) \
    extern "C" __global__ void __launch_bounds__(32 * DEQUANTIZE_WARPS) dequantize_##type(const uint8_t* tiles, int row_tiles, int columns, \
            int64_t matrix_bytes, uint16_t* panels, int64_t panel_bytes, int paired, const int* first_tiles, int first_expert) { \
        dequantize<FORMAT>({tiles, row_tiles, columns, matrix_bytes, panels, panel_bytes, paired != 0, first_tiles, first_expert}); \
    }
