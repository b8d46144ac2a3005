// How a weight matrix is cut into tiles; README.md has the table. A row tile is 8 rows, a tile is 64 chunks of quants: 8 rows by 8 chunks. Lane l of a warp
// takes chunk l % 8 of rows l / 8 and l / 8 + 4, which is why scalars of these two rows stand side by side.
#pragma once

#include <cstdint>

constexpr int ROWS_PER_TILE = 8;
constexpr int CHUNKS_PER_TILE = 8;

// One row tile of a matrix with the given number of columns. F is a format of tile_formats.cuh.
template <class F>
struct RowTileShape {
    int tiles;
    int lastChunks;
    int lastBytes;

    __host__ __device__ explicit RowTileShape(int columns) {
        tiles = (columns + F::TILE_COLUMNS - 1) / F::TILE_COLUMNS;
        int rest = columns % F::TILE_COLUMNS;
        lastChunks = rest == 0 ? CHUNKS_PER_TILE : rest / (F::TILE_COLUMNS / CHUNKS_PER_TILE);
        // Bulk copies need multiples of 16 bytes.
        lastBytes = (lastChunks * (F::TILE_BYTES / CHUNKS_PER_TILE) + 15) / 16 * 16;
    }

    __host__ __device__ int tileBytes(int tile) const { return tile == tiles - 1 ? lastBytes : F::TILE_BYTES; }
    __host__ __device__ int64_t bytes() const { return int64_t(tiles - 1) * F::TILE_BYTES + lastBytes; }
};
