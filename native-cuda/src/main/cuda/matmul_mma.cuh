// Products of panels by the matrix instructions of single warps, for devices without those of warpgroups: out[r][n] = sum_k in[r][k] * weight[n][k]. A block
// takes a tile of 128 rows by 128 weight rows, each of its 8 warps 64 by 32 of it; 64 columns of both at a time come through a ring of stages.
#pragma once
#include "matmul_tiles.cuh"
#include "tensor_core.cuh"

constexpr int MMA_THREADS = 256;
constexpr int MMA_COLUMNS = 128;
constexpr int MMA_STAGES = 3;
constexpr int MMA_OPERAND_BYTES = PRODUCT_ROWS * 128;
constexpr int MMA_SHARED_BYTES = MMA_STAGES * 2 * MMA_OPERAND_BYTES;
static_assert(PRODUCT_ROWS == MMA_COLUMNS, "both operands of a stage have one size");

/** Four 8 x 8 matrices of halves, of which this lane addresses row lane % 8 of matrix lane / 8. */
__device__ __forceinline__ void load_matrices(uint32_t (&to)[4], const unsigned char* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(row))));
}

/** Tile `unit % row tiles` of rows and `unit / row tiles` of columns; grid-stride over the units, since only the device knows how many there are. */
template <class TILES, class OUTPUT>
__device__ __forceinline__ void matmul_mma(const ProductPanels& panels, const TILES& tiles, const OUTPUT& output) {
    extern __shared__ __align__(128) unsigned char shared[];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int warp_row = warp / 4 * 64, warp_column = warp % 4 * 32;
    int first_tile = tiles.first(), row_tiles = tiles.end() - first_tile;
    int units = row_tiles * ((panels.outputs + MMA_COLUMNS - 1) / MMA_COLUMNS);
    for (int unit = blockIdx.x; unit < units; unit += gridDim.x) {
        ProductTile tile = tiles.tile(first_tile + unit % row_tiles);
        int column = unit / row_tiles * MMA_COLUMNS;
        if (!output.wants(tile.rows)) {
            continue;
        }
        const unsigned char* in = reinterpret_cast<const unsigned char*>(panels.in) + static_cast<int64_t>(tile.rows.first / PANEL_ROWS) * ATOM_BYTES;
        const unsigned char* weights = reinterpret_cast<const unsigned char*>(panels.weights) + tile.matrix * panels.weight_bytes
                + static_cast<int64_t>(column / PANEL_ROWS) * ATOM_BYTES;
        auto copy = [&](int chunk) {
            unsigned char* to = shared + chunk % MMA_STAGES * 2 * MMA_OPERAND_BYTES + threadIdx.x * 16;
            const unsigned char* rows = in + static_cast<int64_t>(chunk) * panels.in_groups * ATOM_BYTES + threadIdx.x * 16;
            const unsigned char* columns = weights + static_cast<int64_t>(chunk) * panels.weight_groups * ATOM_BYTES + threadIdx.x * 16;
#pragma unroll
            for (int i = 0; i < MMA_OPERAND_BYTES; i += MMA_THREADS * 16) {
                copy_16_bytes_async(to + i, rows + i, true);
                copy_16_bytes_async(to + MMA_OPERAND_BYTES + i, columns + i, true);
            }
        };
        __syncthreads(); // the ring may still be read for the tile before
#pragma unroll
        for (int chunk = 0; chunk < MMA_STAGES - 1; chunk++) {
            if (chunk < panels.chunks) {
                copy(chunk);
            }
            end_copy_group();
        }
        float sums[4][4][4] = {};
        for (int chunk = 0; chunk < panels.chunks; chunk++) {
            wait_for_copies<MMA_STAGES - 2>();
            __syncthreads();
            if (chunk + MMA_STAGES - 1 < panels.chunks) {
                copy(chunk + MMA_STAGES - 1);
            }
            end_copy_group();
            const unsigned char* rows = shared + chunk % MMA_STAGES * 2 * MMA_OPERAND_BYTES;
            const unsigned char* columns = rows + MMA_OPERAND_BYTES;
#pragma unroll
            for (int k = 0; k < 4; k++) {
                // Matrices of a: rows 0-7 and 8-15 of the first 8 columns, then of the others. Of b: columns 0-7 with both halves of k, then 8-15.
                uint32_t a[4][4], b[2][4];
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    int row = warp_row + 16 * i + lane % 16;
                    load_matrices(a[i], rows + row * 128 + (2 * k + lane / 16 ^ row % 8) * 16);
                }
#pragma unroll
                for (int j = 0; j < 2; j++) {
                    int row = warp_column + 16 * j + lane / 16 * 8 + lane % 8;
                    load_matrices(b[j], columns + row * 128 + (2 * k + lane / 8 % 2 ^ row % 8) * 16);
                }
#pragma unroll
                for (int i = 0; i < 4; i++) {
#pragma unroll
                    for (int j = 0; j < 4; j++) {
                        mma_16x8x16(sums[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
                    }
                }
            }
        }
#pragma unroll
        for (int i = 0; i < 8; i++) {
            auto to = output.row(tile.rows, warp_row + 8 * i + lane / 4);
            float c[8];
#pragma unroll
            for (int j = 0; j < 8; j++) {
                c[j] = sums[i / 2][j / 2][i % 2 * 2 + j % 2];
            }
            to.put(column + warp_column, c);
            to.end();
        }
    }
}
