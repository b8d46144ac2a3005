// The entry points that permute GGUF rows to tiles and back; README.md has the arguments. A thread takes rows r and r + 4 of one tile.
#pragma once

#include "tile_formats_256.cuh"
#include "tile_formats_32.cuh"
#include "tile_formats_float.cuh"
#include "tile_permutation.cuh"
#include "tile_permutation_k.cuh"

// Stands in for rows beyond the last; as long as the widest tile's share of one row.
__device__ const uint16_t ZERO_ROW[512] = {};

// native1 is null, or the up rows that alternate with the gate rows of native0 by fours.
template <class Byte>
struct NativeRows {
    Byte* native0;
    Byte* native1;
    int rows;
    int64_t rowBytes;

    // Null beyond the last row.
    __device__ __forceinline__ Byte* row(int rowTile, int within) const {
        int row = rowTile * ROWS_PER_TILE + within;
        if (row >= rows) return nullptr;
        if (native1 == nullptr) return native0 + row * rowBytes;
        return (within < 4 ? native0 : native1) + (rowTile * 4 + within % 4) * rowBytes;
    }
};

// Calls move(native of row r, native of row r + 4, tile, chunks, r) for this thread's rows.
template <class F, class P, class Byte, class Tile, class Move>
__device__ __forceinline__ void forThread(const NativeRows<Byte>& rows, Tile* tiles, int columns, const Move& move) {
    RowTileShape<F> shape(columns);
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    int row = i % 4;
    int rowTile = i / 4 / shape.tiles;
    int tile = i / 4 - rowTile * shape.tiles;
    if (rowTile * ROWS_PER_TILE >= rows.rows) return;
    int64_t offset = int64_t(tile) * F::TILE_COLUMNS / P::BLOCK_COLUMNS * P::BLOCK_BYTES;
    Byte* upper = rows.row(rowTile, row);
    Byte* lower = rows.row(rowTile, row + 4);
    move(upper == nullptr ? nullptr : upper + offset, lower == nullptr ? nullptr : lower + offset,
         tiles + rowTile * shape.bytes() + int64_t(tile) * F::TILE_BYTES,
         tile == shape.tiles - 1 ? shape.lastChunks : CHUNKS_PER_TILE, row);
}

template <class F, class P>
__device__ __forceinline__ void repack(const uint8_t* native0, const uint8_t* native1, uint8_t* tiles, int rows, int columns, int64_t nativeStride,
                                       int64_t tileStride) {
    int64_t native = blockIdx.y * nativeStride;
    int64_t rowBytes = int64_t(columns) / P::BLOCK_COLUMNS * P::BLOCK_BYTES;
    NativeRows<const uint8_t> source{native0 + native, native1 == nullptr ? nullptr : native1 + native, rows, rowBytes};
    forThread<F, P>(source, tiles + blockIdx.y * tileStride, columns, [](const uint8_t* upper, const uint8_t* lower, uint8_t* tile, int chunks, int row) {
        const uint8_t* zeros = reinterpret_cast<const uint8_t*>(ZERO_ROW);
        const uint8_t* const pair[2] = {upper == nullptr ? zeros : upper, lower == nullptr ? zeros : lower};
        P::pack(pair, tile, chunks, row);
    });
}

template <class F, class P>
__device__ __forceinline__ void unpack(uint8_t* native0, uint8_t* native1, const uint8_t* tiles, int rows, int columns, int64_t nativeStride,
                                       int64_t tileStride) {
    int64_t native = blockIdx.y * nativeStride;
    int64_t rowBytes = int64_t(columns) / P::BLOCK_COLUMNS * P::BLOCK_BYTES;
    NativeRows<uint8_t> target{native0 + native, native1 == nullptr ? nullptr : native1 + native, rows, rowBytes};
    forThread<F, P>(target, tiles + blockIdx.y * tileStride, columns, [](uint8_t* upper, uint8_t* lower, const uint8_t* tile, int chunks, int row) {
        uint8_t* const pair[2] = {upper, lower};
        P::unpack(pair, (upper != nullptr) + (lower != nullptr), tile, chunks, row);
    });
}

#define REPACK_ENTRIES(NAME, FORMAT, ...)                                                                                                          \
    extern "C" __global__ void __launch_bounds__(256) repack_##NAME(const uint8_t* native0, const uint8_t* native1, uint8_t* tiles, int rows,      \
                                                                    int columns, int64_t nativeStride, int64_t tileStride) {                       \
        repack<FORMAT, __VA_ARGS__>(native0, native1, tiles, rows, columns, nativeStride, tileStride);                                             \
    }                                                                                                                                              \
    extern "C" __global__ void __launch_bounds__(256) unpack_##NAME(uint8_t* native0, uint8_t* native1, const uint8_t* tiles, int rows,            \
                                                                    int columns, int64_t nativeStride, int64_t tileStride) {                       \
        unpack<FORMAT, __VA_ARGS__>(native0, native1, tiles, rows, columns, nativeStride, tileStride);                                             \
    }
