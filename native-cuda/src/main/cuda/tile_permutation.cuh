// The bits of GGUF blocks in the order of the tile layout, and back. A thread moves rows r and r + 4 of one tile, which share bytes of the tile with no
// other rows. pack: native blocks of the two rows -> tile; unpack: the inverse, for the first `present` of the two. `row` is r, 0 to 3; `chunks` counts
// the tile's chunk columns.
#pragma once

#include <cstdint>

#include "tile_layout.cuh"

// Both addresses are multiples of the unit's size.
template <class Unit, int BYTES>
__device__ __forceinline__ void moveBytes(uint8_t* to, const uint8_t* from) {
#pragma unroll
    for (int i = 0; i < BYTES / int(sizeof(Unit)); i++) reinterpret_cast<Unit*>(to)[i] = reinterpret_cast<const Unit*>(from)[i];
}

// Native blocks stand at even addresses.
__device__ __forceinline__ unsigned readWord(const uint8_t* from) {
    const uint16_t* parts = reinterpret_cast<const uint16_t*>(from);
    return parts[0] | unsigned(parts[1]) << 16;
}

__device__ __forceinline__ void writeWord(uint8_t* to, unsigned word) {
    uint16_t* parts = reinterpret_cast<uint16_t*>(to);
    parts[0] = uint16_t(word), parts[1] = uint16_t(word >> 16);
}

template <int ELEMENT_BYTES>
struct FloatPermutation {
    static constexpr int BLOCK_COLUMNS = 1;
    static constexpr int BLOCK_BYTES = ELEMENT_BYTES;

    static __device__ __forceinline__ int chunkPlace(int chunks, int row, int chunk, int i) { return ((row + 4 * i) * chunks + chunk) * 16; }

    static __device__ __forceinline__ void pack(const uint8_t* const (&native)[2], uint8_t* tile, int chunks, int row) {
        for (int c = 0; c < chunks * 2; c++) moveBytes<uint16_t, 16>(tile + chunkPlace(chunks, row, c / 2, c % 2), native[c % 2] + c / 2 * 16);
    }

    static __device__ __forceinline__ void unpack(uint8_t* const (&native)[2], int present, const uint8_t* tile, int chunks, int row) {
        for (int i = 0; i < present; i++) {
            for (int c = 0; c < chunks; c++) moveBytes<uint16_t, 16>(native[i] + c * 16, tile + chunkPlace(chunks, row, c, i));
        }
    }
};

// SCALARS scale and minimum of type Scalar, then fifth bits, then QUANT_BYTES.
template <class Scalar, int SCALARS, bool FIFTH_BITS, int QUANT_BYTES>
struct Block32Permutation {
    static constexpr int BLOCK_COLUMNS = 32;
    static constexpr int FIFTH_BITS_START = SCALARS * sizeof(Scalar);
    static constexpr int QUANTS_START = FIFTH_BITS_START + (FIFTH_BITS ? 4 : 0);
    static constexpr int BLOCK_BYTES = QUANTS_START + QUANT_BYTES;

    // Element e = 16 high + 4w + k of a block has its fifth bit at 8k + 4 high + w.
    static __device__ __forceinline__ int fifthBitPlace(int e) { return e % 4 * 8 + e / 16 * 4 + e / 4 % 4; }

    // Calls each with (native byte, tile byte) for what moves: scalars, 16 bytes of quants, fifth bits.
    template <class MoveScalar, class MoveQuants, class MoveFifthBits>
    static __device__ __forceinline__ void forBlock(int c, int chunks, int row, int i, const MoveScalar& moveScalar, const MoveQuants& moveQuants,
                                                    const MoveFifthBits& moveFifthBits) {
        int native = c * BLOCK_BYTES;
        int pair = row * chunks + c;
#pragma unroll
        for (int half = 0; half < QUANT_BYTES / 16; half++) moveQuants(native + QUANTS_START + 16 * half, (pair + (2 * half + i) * 4 * chunks) * 16);
        int plane = chunks * ROWS_PER_TILE * QUANT_BYTES;
        if (FIFTH_BITS) {
            moveFifthBits(native + FIFTH_BITS_START, plane + (pair * 2 + i) * 4);
            plane += chunks * ROWS_PER_TILE * 4;
        }
#pragma unroll
        for (int scalar = 0; scalar < SCALARS; scalar++) {
            moveScalar(native + scalar * int(sizeof(Scalar)), plane + (pair * 2 + i) * int(sizeof(Scalar)));
            plane += chunks * ROWS_PER_TILE * int(sizeof(Scalar));
        }
    }

    static __device__ __forceinline__ void pack(const uint8_t* const (&native)[2], uint8_t* tile, int chunks, int row) {
        for (int c = 0; c < chunks * 2; c++) {
            const uint8_t* from = native[c % 2];
            forBlock(
                c / 2, chunks, row, c % 2, [&](int n, int t) { moveBytes<Scalar, sizeof(Scalar)>(tile + t, from + n); },
                [&](int n, int t) { moveBytes<Scalar, 16>(tile + t, from + n); },
                [&](int n, int t) {
                    unsigned bits = readWord(from + n);
                    unsigned placed = 0;
#pragma unroll
                    for (int e = 0; e < 32; e++) placed |= (bits >> e & 1) << fifthBitPlace(e);
                    writeWord(tile + t, placed);
                });
        }
    }

    static __device__ __forceinline__ void unpack(uint8_t* const (&native)[2], int present, const uint8_t* tile, int chunks, int row) {
        for (int i = 0; i < present; i++) {
            for (int c = 0; c < chunks; c++) {
                forBlock(
                    c, chunks, row, i, [&](int n, int t) { moveBytes<Scalar, sizeof(Scalar)>(native[i] + n, tile + t); },
                    [&](int n, int t) { moveBytes<Scalar, 16>(native[i] + n, tile + t); },
                    [&](int n, int t) {
                        unsigned placed = readWord(tile + t);
                        unsigned bits = 0;
#pragma unroll
                        for (int e = 0; e < 32; e++) bits |= (placed >> fifthBitPlace(e) & 1) << e;
                        writeWord(native[i] + n, bits);
                    });
            }
        }
    }
};

// The 8 chunks of a block of 256 are moved as they are.
template <int QUANTS_START>
struct Block256Chunks {
    static __device__ __forceinline__ void pack(const uint8_t* native, uint8_t* tile, int row, int i) {
        moveBytes<uint16_t, 128>(tile + (row + 4 * i) * 128, native + QUANTS_START);
    }

    static __device__ __forceinline__ void unpack(uint8_t* native, const uint8_t* tile, int row, int i) {
        moveBytes<uint16_t, 128>(native + QUANTS_START, tile + (row + 4 * i) * 128);
    }
};
