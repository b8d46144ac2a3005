// Products of panels on compute capability 9.0: out[r][n] = sum_k in[r][k] * weight[n][k]. A block takes tiles of 128 rows by COLUMNS weight rows, one
// after the other: a warp of its first warpgroup copies 64 columns of both at a time into a ring of stages, two warpgroups multiply 64 rows each.
#pragma once
#include "matmul_tiles.cuh"
#include "wgmma.cuh"

constexpr int WGMMA_THREADS = 384;
constexpr int CONSUMER_WARPS = 8;

template <int COLUMNS>
struct WgmmaShape {
    static constexpr int ROW_BYTES = PRODUCT_ROWS * 128;
    static constexpr int COLUMN_BYTES = COLUMNS * 128;
    static constexpr int STAGE_BYTES = ROW_BYTES + COLUMN_BYTES;
    static constexpr int STAGES = 220 * 1024 / STAGE_BYTES;
    // The ring starts at a multiple of 1024.
    static constexpr int SHARED_BYTES = STAGES * STAGE_BYTES + 1024;
};

#if WGMMA
template <int COLUMNS, class TILES, class OUTPUT>
__device__ __forceinline__ void matmul_wgmma(const ProductPanels& panels, const TILES& tiles, const OUTPUT& output) {
    using Shape = WgmmaShape<COLUMNS>;
    extern __shared__ unsigned char shared[];
    __shared__ uint64_t full[Shape::STAGES], empty[Shape::STAGES];
    unsigned char* ring = shared + (1024 - (sharedAddress(shared) & 1023)) % 1024;
    int warpgroup = threadIdx.x / 128;
    if (threadIdx.x == 0) {
        for (int i = 0; i < Shape::STAGES; i++) {
            init_barrier(full + i, 1);
            init_barrier(empty + i, CONSUMER_WARPS);
        }
        publishBarriers();
    }
    __syncthreads();

    // Rows change fastest, so that weights that are in the cache are used up.
    int first_tile = tiles.first(), row_tiles = tiles.end() - first_tile;
    int units = row_tiles * ((panels.outputs + COLUMNS - 1) / COLUMNS);
    int stage = 0;
    uint32_t phase = 0;
    auto next_stage = [&] {
        if (++stage == Shape::STAGES) {
            stage = 0;
            phase ^= 1;
        }
    };
    auto each_tile = [&](auto&& work) {
        for (int unit = blockIdx.x; unit < units; unit += gridDim.x) {
            ProductTile tile = tiles.tile(first_tile + unit % row_tiles);
            if (output.wants(tile.rows)) {
                work(tile, unit / row_tiles * COLUMNS);
            }
        }
    };

    if (warpgroup == 0) {
        shrink_registers<40>();
        if (threadIdx.x < 32) {
            each_tile([&](const ProductTile& tile, int column) {
                const unsigned char* in = reinterpret_cast<const unsigned char*>(panels.in) + static_cast<int64_t>(tile.rows.first / PANEL_ROWS) * ATOM_BYTES;
                const unsigned char* weights = reinterpret_cast<const unsigned char*>(panels.weights) + tile.matrix * panels.weight_bytes
                        + static_cast<int64_t>(column / PANEL_ROWS) * ATOM_BYTES;
                for (int chunk = 0; chunk < panels.chunks; chunk++) {
                    waitForCopy(empty + stage, phase ^ 1);
                    if (threadIdx.x == 0) {
                        unsigned char* to = ring + stage * Shape::STAGE_BYTES;
                        expect_bytes(full + stage, Shape::STAGE_BYTES);
                        bulk_copy(to, in, Shape::ROW_BYTES, full + stage);
                        bulk_copy(to + Shape::ROW_BYTES, weights, Shape::COLUMN_BYTES, full + stage);
                    }
                    in += static_cast<int64_t>(panels.in_groups) * ATOM_BYTES;
                    weights += static_cast<int64_t>(panels.weight_groups) * ATOM_BYTES;
                    next_stage();
                }
            });
        }
    } else {
        grow_registers<232>();
        int thread = threadIdx.x % 128;
        auto release = [&](int of) {
            if (thread % 32 == 0) {
                arrive(empty + of);
            }
        };
        each_tile([&](const ProductTile& tile, int column) {
            float sums[COLUMNS / 2];
            int previous = -1;
            for (int chunk = 0; chunk < panels.chunks; chunk++) {
                waitForCopy(full + stage, phase);
                unsigned char* rows = ring + stage * Shape::STAGE_BYTES;
                uint64_t a = k_major_operand(rows + (warpgroup - 1) * (Shape::ROW_BYTES / 2));
                uint64_t b = k_major_operand(rows + Shape::ROW_BYTES);
                pin_sums(sums);
                begin_wgmma();
#pragma unroll
                for (int k = 0; k < 4; k++) {
                    multiply_k_major(sums, a + 2 * k, b + 2 * k, chunk > 0 || k > 0);
                }
                commit_wgmma();
                pin_sums(sums);
                wait_wgmma<1>();
                if (previous >= 0) {
                    release(previous);
                }
                previous = stage;
                next_stage();
            }
            wait_wgmma<0>();
            pin_sums(sums);
            release(previous);
            int row = (warpgroup - 1) * 64 + thread / 32 * 16 + thread % 32 / 4;
#pragma unroll
            for (int half = 0; half < 2; half++) {
                auto to = output.row(tile.rows, row + 8 * half);
#pragma unroll
                for (int group = 0; group < COLUMNS / 32; group++) {
                    float c[8];
#pragma unroll
                    for (int j = 0; j < 4; j++) {
                        c[2 * j] = sums[16 * group + 4 * j + 2 * half];
                        c[2 * j + 1] = sums[16 * group + 4 * j + 2 * half + 1];
                    }
                    to.put(column + 32 * group, c);
                }
                to.end();
            }
        });
    }
}
#endif
