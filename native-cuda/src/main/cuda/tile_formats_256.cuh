// Formats with blocks of 256, so a tile is one block of each of 8 rows. The chunks [row][chunk] come first; planes after them are described at each format.
#pragma once

#include "tile_formats.cuh"

// Chunk c of Q4_K and Q5_K: pair p = c / 2 of the 32-wide groups, half h = c % 2 of both; low nibbles are elements 64p + 16h.., high ones 32 further.
struct GroupPairOrder {
    static __device__ __forceinline__ int slot(int g) { return 8 * (g >> 1 & 1) + 2 * (g >> 2) + (g & 1); }
};

// Header of 128 bytes: {d, dmin} of rows r and r + 4, 4 x 8 bytes; then u32 [row % 4][pair], the 24-bit field of row r and in the top byte the low byte of
// that of row r + 4; then u16 [row % 4][pair], the rest of the latter. Field: scale, minimum of group 2p, scale, minimum of group 2p + 1, 6 bits each.
struct SixBitHeader {
    uint2 factors;
    unsigned fields;
    unsigned short rest;

    static __device__ __forceinline__ SixBitHeader load(const uint8_t* header, int row, int chunk) {
        int pair = row * 4 + chunk / 2;
        return {readWeights<uint2>(header + row * 8), readWeights<unsigned>(header + 32 + pair * 4), readWeights<unsigned short>(header + 96 + pair * 2)};
    }

    // d * (scales . dots) - dmin * (minima . sums) for row r (0) or r + 4 (1).
    __device__ __forceinline__ float apply(int row, float lowDot, float highDot, float lowSum, float highSum) const {
        float2 factor = halves(row == 0 ? factors.x : factors.y);
        unsigned field = row == 0 ? fields : fields >> 24 | unsigned(rest) << 8;
        float scaled = fmaf(float(field >> 12 & 63), highDot, float(field & 63) * lowDot);
        float minima = fmaf(float(field >> 18 & 63), highSum, float(field >> 6 & 63) * lowSum);
        return factor.x * scaled - factor.y * minima;
    }
};

struct Q4_K : GroupPairOrder {
    static constexpr bool QUANTIZED = true;
    static constexpr bool NARROW_TILES = false;
    static constexpr int TILE_COLUMNS = 256;
    static constexpr int TILE_BYTES = 1152;

    struct Fragment {
        uint4 quants[2];
        SixBitHeader header;
    };

    static __device__ __forceinline__ Fragment load(const uint8_t* tile, int, int row, int chunk) {
        return {{readWeights<uint4>(tile + (row * 8 + chunk) * 16), readWeights<uint4>(tile + (row * 8 + 32 + chunk) * 16)},
                SixBitHeader::load(tile + 1024, row, chunk)};
    }

    static __device__ __forceinline__ void accumulate(const Fragment& f, int, const ChunkActivations& a, float (&sums)[2]) {
        float lowSum = groupSums(a.lowScale);
        float highSum = groupSums(a.highScale);
#pragma unroll
        for (int i = 0; i < 2; i++) {
            unsigned low[4], high[4];
            lowNibbles(f.quants[i], low);
            // Left in place, high nibbles count sixteenfold, which saves a shift per word.
            words(f.quants[i], high);
#pragma unroll
            for (int w = 0; w < 4; w++) high[w] &= 0xF0F0F0F0;
            float lowDot = halfChunkDot<UnsignedBytes>(low, a.low, a.lowScale);
            float highDot = halfChunkDot<UnsignedBytes>(high, a.high, a.highScale) * 0.0625f;
            sums[i] += f.header.apply(i, lowDot, highDot, lowSum, highSum);
        }
    }
};

// Fifth bits u32 [row % 4][chunk][row / 4] stand between the chunks and the header.
struct Q5_K : GroupPairOrder {
    static constexpr bool QUANTIZED = true;
    static constexpr bool NARROW_TILES = false;
    static constexpr int TILE_COLUMNS = 256;
    static constexpr int TILE_BYTES = 1408;

    struct Fragment {
        uint4 quants[2];
        uint2 fifthBits;
        SixBitHeader header;
    };

    static __device__ __forceinline__ Fragment load(const uint8_t* tile, int, int row, int chunk) {
        return {{readWeights<uint4>(tile + (row * 8 + chunk) * 16), readWeights<uint4>(tile + (row * 8 + 32 + chunk) * 16)},
                readWeights<uint2>(tile + 1024 + (row * 8 + chunk) * 8),
                SixBitHeader::load(tile + 1280, row, chunk)};
    }

    static __device__ __forceinline__ void accumulate(const Fragment& f, int, const ChunkActivations& a, float (&sums)[2]) {
        float lowSum = groupSums(a.lowScale);
        float highSum = groupSums(a.highScale);
#pragma unroll
        for (int i = 0; i < 2; i++) {
            unsigned low[4], high[4];
            lowNibbles(f.quants[i], low);
            highNibbles(f.quants[i], high);
            withFifthBits(i == 0 ? f.fifthBits.x : f.fifthBits.y, low, high);
            float lowDot = halfChunkDot<UnsignedBytes>(low, a.low, a.lowScale);
            float highDot = halfChunkDot<UnsignedBytes>(high, a.high, a.highScale);
            sums[i] += f.header.apply(i, lowDot, highDot, lowSum, highSum);
        }
    }
};

// Chunk c: n = c / 4, part = c / 2 % 2, g = c % 2; low nibbles are elements 128n + 32 part + 16g.., high ones 64 further. Planes: high bits u64
// [row % 4][chunk][row / 4] (first word for low nibbles: bits 8k + 2w, 8k + 2w + 1 belong to byte k of word w); scales i8
// [row % 4][chunk][row / 4][low, high]; d f16 [row % 4][row / 4].
struct Q6_K {
    static constexpr bool QUANTIZED = true;
    static constexpr bool NARROW_TILES = false;
    static constexpr int TILE_COLUMNS = 256;
    static constexpr int TILE_BYTES = 1680;

    struct Fragment {
        uint4 quants[2];
        uint4 highBits;
        unsigned scales;
        unsigned factors;
    };

    static __device__ __forceinline__ int slot(int g) { return 8 * (g >> 2 & 1) + 4 * (g >> 3) + (g & 3); }

    static __device__ __forceinline__ Fragment load(const uint8_t* tile, int, int row, int chunk) {
        int pair = row * 8 + chunk;
        return {{readWeights<uint4>(tile + pair * 16), readWeights<uint4>(tile + 512 + pair * 16)},
                readWeights<uint4>(tile + 1024 + pair * 16),
                readWeights<unsigned>(tile + 1536 + pair * 4),
                readWeights<unsigned>(tile + 1664 + row * 4)};
    }

    static __device__ __forceinline__ void withHighBits(unsigned bits, unsigned (&quants)[4]) {
        quants[0] |= bits << 4 & 0x30303030;
        quants[1] |= bits << 2 & 0x30303030;
        quants[2] |= bits & 0x30303030;
        quants[3] |= bits >> 2 & 0x30303030;
    }

    static __device__ __forceinline__ void accumulate(const Fragment& f, int, const ChunkActivations& a, float (&sums)[2]) {
        float2 factors = halves(f.factors);
        float lowOffset = 32 * groupSums(a.lowScale);
        float highOffset = 32 * groupSums(a.highScale);
#pragma unroll
        for (int i = 0; i < 2; i++) {
            unsigned low[4], high[4];
            lowNibbles(f.quants[i], low);
            highNibbles(f.quants[i], high);
            withHighBits(i == 0 ? f.highBits.x : f.highBits.z, low);
            withHighBits(i == 0 ? f.highBits.y : f.highBits.w, high);
            float lowScale = int8_t(f.scales >> 16 * i);
            float highScale = int8_t(f.scales >> (16 * i + 8));
            float lowDot = halfChunkDot<UnsignedBytes>(low, a.low, a.lowScale) - lowOffset;
            float highDot = halfChunkDot<UnsignedBytes>(high, a.high, a.highScale) - highOffset;
            sums[i] += (i == 0 ? factors.x : factors.y) * fmaf(highScale, highDot, lowScale * lowDot);
        }
    }
};

// Chunk c is the 32-wide group c. Planes: d f16 [row % 4][row / 4]; low four bits of the scales [row % 4][chunk], row r in the low nibble, r + 4 in the
// high one;
// their high two bits [row % 4][chunk / 2], from bit 4 (chunk % 2) on those of row r, then of r + 4.
struct IQ4_XS {
    static constexpr bool QUANTIZED = true;
    static constexpr bool NARROW_TILES = false;
    static constexpr int TILE_COLUMNS = 256;
    static constexpr int TILE_BYTES = 1088;

    struct Fragment {
        uint4 quants[2];
        unsigned factors;
        unsigned char scaleLow;
        unsigned char scaleHigh;
    };

    static __device__ __forceinline__ int slot(int g) { return 8 * (g & 1) + (g >> 1); }

    static __device__ __forceinline__ Fragment load(const uint8_t* tile, int, int row, int chunk) {
        int pair = row * 8 + chunk;
        return {{readWeights<uint4>(tile + pair * 16), readWeights<uint4>(tile + 512 + pair * 16)},
                readWeights<unsigned>(tile + 1024 + row * 4),
                readWeights<unsigned char>(tile + 1040 + pair),
                readWeights<unsigned char>(tile + 1072 + pair / 2)};
    }

    static __device__ __forceinline__ void accumulate(const Fragment& f, int chunk, const ChunkActivations& a, float (&sums)[2]) {
        float2 factors = halves(f.factors);
        int highBits = f.scaleHigh >> 4 * (chunk & 1);
#pragma unroll
        for (int i = 0; i < 2; i++) {
            unsigned low[4], high[4];
            NONLINEAR_4_BIT.lookUpChunk(f.quants[i], low, high);
            int scale = (f.scaleLow >> 4 * i & 15 | (highBits >> 2 * i & 3) << 4) - 32;
            float dot = halfChunkDot<SignedBytes>(low, a.low, a.lowScale) + halfChunkDot<SignedBytes>(high, a.high, a.highScale);
            sums[i] += (i == 0 ? factors.x : factors.y) * scale * dot;
        }
    }
};
