// Formats with blocks of 32: a chunk is the block's quants, so it has one scale. Planes of a tile with c chunk columns, from its start: 8 * c chunks
// [row][chunk] (Q8_0: these with elements 0-15 and as many with 16-31), fifth bits u32 [row % 4][chunk][row / 4], scales [row % 4][chunk][row / 4],
// minima likewise.
#pragma once

#include "tile_formats.cuh"

// Half-chunk of the 16 elements number g of a tile: low halves come first in shared memory, so that eight lanes read them without bank conflicts.
struct Block32Order {
    static __device__ __forceinline__ int slot(int g) { return 8 * (g & 1) + (g >> 1); }
};

// low, high: weights as bytes; quant value = byte - OFFSET; weight = scale * quant (+ minimum).
template <class Bytes, int OFFSET>
__device__ __forceinline__ float scaledBlock(float scale, const unsigned (&low)[4], const unsigned (&high)[4], const ChunkActivations& a) {
    float dot = halfChunkDot<Bytes>(low, a.low, a.lowScale) + halfChunkDot<Bytes>(high, a.high, a.highScale);
    if (OFFSET != 0) dot -= OFFSET * (groupSums(a.lowScale) + groupSums(a.highScale));
    return scale * dot;
}

template <bool FIFTH_BITS, bool MINIMA>
struct Nibbles32 : Block32Order {
    static constexpr bool QUANTIZED = true;
    static constexpr bool NARROW_TILES = true;
    static constexpr int TILE_COLUMNS = 256;
    static constexpr int TILE_BYTES = 1024 + (FIFTH_BITS ? 256 : 0) + 128 + (MINIMA ? 128 : 0);

    struct Fragment {
        uint4 quants[2];
        uint2 fifthBits;
        unsigned scales;
        unsigned minima;
    };

    static __device__ __forceinline__ Fragment load(const uint8_t* tile, int chunks, int row, int chunk) {
        Fragment f;
        int pair = row * chunks + chunk;
        f.quants[0] = readWeights<uint4>(tile + pair * 16);
        f.quants[1] = readWeights<uint4>(tile + (pair + 4 * chunks) * 16);
        const uint8_t* plane = tile + chunks * 128;
        if (FIFTH_BITS) {
            f.fifthBits = readWeights<uint2>(plane + pair * 8);
            plane += chunks * 32;
        }
        f.scales = readWeights<unsigned>(plane + pair * 4);
        if (MINIMA) f.minima = readWeights<unsigned>(plane + chunks * 16 + pair * 4);
        return f;
    }

    static __device__ __forceinline__ void accumulate(const Fragment& f, int, const ChunkActivations& a, float (&sums)[2]) {
        float2 scales = halves(f.scales);
        float2 minima = MINIMA ? halves(f.minima) : float2{};
#pragma unroll
        for (int i = 0; i < 2; i++) {
            unsigned low[4], high[4];
            lowNibbles(f.quants[i], low);
            highNibbles(f.quants[i], high);
            if (FIFTH_BITS) withFifthBits(i == 0 ? f.fifthBits.x : f.fifthBits.y, low, high);
            constexpr int OFFSET = MINIMA ? 0 : FIFTH_BITS ? 16 : 8;
            sums[i] += scaledBlock<UnsignedBytes, OFFSET>(i == 0 ? scales.x : scales.y, low, high, a);
            if (MINIMA) sums[i] += (i == 0 ? minima.x : minima.y) * (groupSums(a.lowScale) + groupSums(a.highScale));
        }
    }
};

using Q4_0 = Nibbles32<false, false>;
using Q4_1 = Nibbles32<false, true>;
using Q5_0 = Nibbles32<true, false>;
using Q5_1 = Nibbles32<true, true>;

struct IQ4_NL : Block32Order {
    static constexpr bool QUANTIZED = true;
    static constexpr bool NARROW_TILES = true;
    static constexpr int TILE_COLUMNS = 256;
    static constexpr int TILE_BYTES = 1152;

    using Fragment = Q4_0::Fragment;

    static __device__ __forceinline__ Fragment load(const uint8_t* tile, int chunks, int row, int chunk) { return Q4_0::load(tile, chunks, row, chunk); }

    static __device__ __forceinline__ void accumulate(const Fragment& f, int, const ChunkActivations& a, float (&sums)[2]) {
        float2 scales = halves(f.scales);
#pragma unroll
        for (int i = 0; i < 2; i++) {
            unsigned low[4], high[4];
            NONLINEAR_4_BIT.lookUpChunk(f.quants[i], low, high);
            sums[i] += scaledBlock<SignedBytes, 0>(i == 0 ? scales.x : scales.y, low, high, a);
        }
    }
};

// E2M1 elements with a power of two as scale.
struct MXFP4 : Block32Order {
    static constexpr bool QUANTIZED = true;
    static constexpr bool NARROW_TILES = true;
    static constexpr int TILE_COLUMNS = 256;
    static constexpr int TILE_BYTES = 1088;

    struct Fragment {
        uint4 quants[2];
        unsigned short exponents;
    };

    static __device__ __forceinline__ Fragment load(const uint8_t* tile, int chunks, int row, int chunk) {
        int pair = row * chunks + chunk;
        return {{readWeights<uint4>(tile + pair * 16), readWeights<uint4>(tile + (pair + 4 * chunks) * 16)},
                readWeights<unsigned short>(tile + chunks * 128 + pair * 2)};
    }

    // 2^(exponent - 128): half of the format's scale, since the code book holds twice the values.
    static __device__ __forceinline__ float scale(unsigned exponent) {
        return __uint_as_float(exponent >= 2 ? (exponent - 1) << 23 : 0x00200000u << exponent);
    }

    static __device__ __forceinline__ void accumulate(const Fragment& f, int, const ChunkActivations& a, float (&sums)[2]) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
            unsigned low[4], high[4];
            E2M1_TWICE.lookUpChunk(f.quants[i], low, high);
            sums[i] += scaledBlock<SignedBytes, 0>(scale(f.exponents >> 8 * i & 0xFF), low, high, a);
        }
    }
};

struct Q8_0 : Block32Order {
    static constexpr bool QUANTIZED = true;
    static constexpr bool NARROW_TILES = true;
    static constexpr int TILE_COLUMNS = 256;
    static constexpr int TILE_BYTES = 2176;

    struct Fragment {
        uint4 low[2];
        uint4 high[2];
        unsigned scales;
    };

    static __device__ __forceinline__ Fragment load(const uint8_t* tile, int chunks, int row, int chunk) {
        int pair = row * chunks + chunk;
        Fragment f;
#pragma unroll
        for (int i = 0; i < 2; i++) {
            f.low[i] = readWeights<uint4>(tile + (pair + i * 4 * chunks) * 16);
            f.high[i] = readWeights<uint4>(tile + (pair + (i + 2) * 4 * chunks) * 16);
        }
        f.scales = readWeights<unsigned>(tile + chunks * 256 + pair * 4);
        return f;
    }

    static __device__ __forceinline__ void accumulate(const Fragment& f, int, const ChunkActivations& a, float (&sums)[2]) {
        float2 scales = halves(f.scales);
#pragma unroll
        for (int i = 0; i < 2; i++) {
            unsigned low[4], high[4];
            words(f.low[i], low);
            words(f.high[i], high);
            sums[i] += scaledBlock<SignedBytes, 0>(i == 0 ? scales.x : scales.y, low, high, a);
        }
    }
};
