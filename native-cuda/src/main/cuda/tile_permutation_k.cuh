// Permutations of the formats with blocks of 256; see tile_permutation.cuh and tile_formats_256.cuh.
#pragma once

#include "tile_permutation.cuh"

// d, dmin and the 12 bytes of 6-bit scales and minima of Q4_K and Q5_K, as they begin the native block and as the 128-byte header has them.
struct SixBitPermutation {
    static __device__ __forceinline__ void pack(const uint8_t* const (&native)[2], uint8_t* header, int row) {
        uint32_t fields[2][4];
        for (int i = 0; i < 2; i++) {
            writeWord(header + row * 8 + i * 4, readWord(native[i]));
            const uint8_t* packed = native[i] + 4;
            for (int pair = 0; pair < 4; pair++) {
                uint32_t field = 0;
                for (int j = 0; j < 2; j++) {
                    int g = 2 * pair + j;
                    unsigned scale = g < 4 ? packed[g] & 63 : (packed[g + 4] & 15) | packed[g - 4] >> 6 << 4;
                    unsigned minimum = g < 4 ? packed[g + 4] & 63 : packed[g + 4] >> 4 | packed[g] >> 6 << 4;
                    field |= (scale | minimum << 6) << 12 * j;
                }
                fields[i][pair] = field;
            }
        }
        for (int pair = 0; pair < 4; pair++) {
            int place = row * 4 + pair;
            writeWord(header + 32 + place * 4, fields[0][pair] | fields[1][pair] << 24);
            reinterpret_cast<uint16_t*>(header + 96)[place] = uint16_t(fields[1][pair] >> 8);
        }
    }

    static __device__ __forceinline__ void unpack(uint8_t* native, int i, const uint8_t* header, int row) {
        writeWord(native, readWord(header + row * 8 + i * 4));
        unsigned scale[8], minimum[8];
        for (int pair = 0; pair < 4; pair++) {
            int place = row * 4 + pair;
            uint32_t word = readWord(header + 32 + place * 4);
            uint32_t field = i == 0 ? word & 0xFFFFFF : word >> 24 | uint32_t(reinterpret_cast<const uint16_t*>(header + 96)[place]) << 8;
            for (int j = 0; j < 2; j++) {
                scale[2 * pair + j] = field >> 12 * j & 63;
                minimum[2 * pair + j] = field >> (12 * j + 6) & 63;
            }
        }
        uint8_t* packed = native + 4;
        for (int g = 0; g < 4; g++) {
            packed[g] = uint8_t(scale[g] | scale[g + 4] >> 4 << 6);
            packed[g + 4] = uint8_t(minimum[g] | minimum[g + 4] >> 4 << 6);
            packed[g + 8] = uint8_t((scale[g + 4] & 15) | (minimum[g + 4] & 15) << 4);
        }
    }
};

struct Q4_KPermutation {
    static constexpr int BLOCK_COLUMNS = 256;
    static constexpr int BLOCK_BYTES = 144;
    using Chunks = Block256Chunks<16>;

    static __device__ __forceinline__ void pack(const uint8_t* const (&native)[2], uint8_t* tile, int, int row) {
        for (int i = 0; i < 2; i++) Chunks::pack(native[i], tile, row, i);
        SixBitPermutation::pack(native, tile + 1024, row);
    }

    static __device__ __forceinline__ void unpack(uint8_t* const (&native)[2], int present, const uint8_t* tile, int, int row) {
        for (int i = 0; i < present; i++) {
            Chunks::unpack(native[i], tile, row, i);
            SixBitPermutation::unpack(native[i], i, tile + 1024, row);
        }
    }
};

struct Q5_KPermutation {
    static constexpr int BLOCK_COLUMNS = 256;
    static constexpr int BLOCK_BYTES = 176;
    using Chunks = Block256Chunks<48>;

    static __device__ __forceinline__ uint8_t* bits(uint8_t* tile, int row, int chunk, int i) { return tile + 1024 + (row * 8 + chunk) * 8 + i * 4; }

    static __device__ __forceinline__ void pack(const uint8_t* const (&native)[2], uint8_t* tile, int, int row) {
        for (int i = 0; i < 2; i++) {
            Chunks::pack(native[i], tile, row, i);
            for (int chunk = 0; chunk < 8; chunk++) {
                uint32_t placed = 0;
                for (int w = 0; w < 4; w++) {
                    uint32_t groups = readWord(native[i] + 16 + chunk % 2 * 16 + w * 4) >> chunk / 2 * 2;
                    placed |= (groups & 0x01010101) << w | (groups >> 1 & 0x01010101) << (4 + w);
                }
                writeWord(bits(tile, row, chunk, i), placed);
            }
        }
        SixBitPermutation::pack(native, tile + 1280, row);
    }

    static __device__ __forceinline__ void unpack(uint8_t* const (&native)[2], int present, const uint8_t* tile, int, int row) {
        for (int i = 0; i < present; i++) {
            Chunks::unpack(native[i], tile, row, i);
            SixBitPermutation::unpack(native[i], i, tile + 1280, row);
            for (int word = 0; word < 8; word++) {
                int w = word % 4;
                uint32_t groups = 0;
                for (int pair = 0; pair < 4; pair++) {
                    uint32_t placed = readWord(bits(const_cast<uint8_t*>(tile), row, 2 * pair + word / 4, i));
                    groups |= ((placed >> w & 0x01010101) | (placed >> (4 + w) & 0x01010101) << 1) << 2 * pair;
                }
                writeWord(native[i] + 16 + word * 4, groups);
            }
        }
    }
};

struct Q6_KPermutation {
    static constexpr int BLOCK_COLUMNS = 256;
    static constexpr int BLOCK_BYTES = 210;
    using Chunks = Block256Chunks<0>;

    static __device__ __forceinline__ int highBits(int row, int chunk, int i) { return 1024 + (row * 8 + chunk) * 16 + i * 8; }
    static __device__ __forceinline__ int scales(int row, int chunk, int i) { return 1536 + (row * 8 + chunk) * 4 + i * 2; }
    // First of the two native scales of a chunk; the other is four further.
    static __device__ __forceinline__ int nativeScale(int chunk) { return 192 + chunk / 4 * 8 + chunk % 4; }
    // Word w of the native high bits that a chunk shares with three others.
    static __device__ __forceinline__ int nativeHighBits(int chunk, int w) { return 128 + chunk / 4 * 32 + chunk % 2 * 16 + w * 4; }

    static __device__ __forceinline__ void pack(const uint8_t* const (&native)[2], uint8_t* tile, int, int row) {
        for (int i = 0; i < 2; i++) {
            Chunks::pack(native[i], tile, row, i);
            for (int chunk = 0; chunk < 8; chunk++) {
                uint32_t low = 0, high = 0;
                for (int w = 0; w < 4; w++) {
                    uint32_t shared = readWord(native[i] + nativeHighBits(chunk, w)) >> chunk / 2 % 2 * 2;
                    low |= (shared & 0x03030303) << 2 * w;
                    high |= (shared >> 4 & 0x03030303) << 2 * w;
                }
                writeWord(tile + highBits(row, chunk, i), low);
                writeWord(tile + highBits(row, chunk, i) + 4, high);
                tile[scales(row, chunk, i)] = native[i][nativeScale(chunk)];
                tile[scales(row, chunk, i) + 1] = native[i][nativeScale(chunk) + 4];
            }
            moveBytes<uint16_t, 2>(tile + 1664 + (row * 2 + i) * 2, native[i] + 208);
        }
    }

    static __device__ __forceinline__ void unpack(uint8_t* const (&native)[2], int present, const uint8_t* tile, int, int row) {
        for (int i = 0; i < present; i++) {
            Chunks::unpack(native[i], tile, row, i);
            for (int chunk = 0; chunk < 8; chunk++) {
                native[i][nativeScale(chunk)] = tile[scales(row, chunk, i)];
                native[i][nativeScale(chunk) + 4] = tile[scales(row, chunk, i) + 1];
                // Chunks of the first part collect the words that they share with the second part's.
                if (chunk / 2 % 2 == 1) continue;
                for (int w = 0; w < 4; w++) {
                    uint32_t shared = 0;
                    for (int part = 0; part < 2; part++) {
                        const uint8_t* words = tile + highBits(row, chunk + 2 * part, i);
                        shared |= ((readWord(words) >> 2 * w & 0x03030303) | (readWord(words + 4) >> 2 * w & 0x03030303) << 4) << 2 * part;
                    }
                    writeWord(native[i] + nativeHighBits(chunk, w), shared);
                }
            }
            moveBytes<uint16_t, 2>(native[i] + 208, tile + 1664 + (row * 2 + i) * 2);
        }
    }
};

struct IQ4_XSPermutation {
    static constexpr int BLOCK_COLUMNS = 256;
    static constexpr int BLOCK_BYTES = 136;
    using Chunks = Block256Chunks<8>;

    static __device__ __forceinline__ void pack(const uint8_t* const (&native)[2], uint8_t* tile, int, int row) {
        uint8_t low[8] = {};
        uint8_t high[4] = {};
        for (int i = 0; i < 2; i++) {
            Chunks::pack(native[i], tile, row, i);
            moveBytes<uint16_t, 2>(tile + 1024 + (row * 2 + i) * 2, native[i]);
            unsigned highBits = readWord(native[i]) >> 16;
            for (int chunk = 0; chunk < 8; chunk++) {
                low[chunk] |= (native[i][4 + chunk / 2] >> chunk % 2 * 4 & 15) << 4 * i;
                high[chunk / 2] |= (highBits >> 2 * chunk & 3) << (chunk % 2 * 4 + 2 * i);
            }
        }
        moveBytes<uint8_t, 8>(tile + 1040 + row * 8, low);
        moveBytes<uint8_t, 4>(tile + 1072 + row * 4, high);
    }

    static __device__ __forceinline__ void unpack(uint8_t* const (&native)[2], int present, const uint8_t* tile, int, int row) {
        for (int i = 0; i < present; i++) {
            Chunks::unpack(native[i], tile, row, i);
            unsigned highBits = 0;
            for (int pair = 0; pair < 4; pair++) {
                const uint8_t* low = tile + 1040 + row * 8 + 2 * pair;
                native[i][4 + pair] = uint8_t((low[0] >> 4 * i & 15) | (low[1] >> 4 * i & 15) << 4);
                unsigned high = tile[1072 + row * 4 + pair];
                highBits |= ((high >> 2 * i & 3) | (high >> (4 + 2 * i) & 3) << 2) << 4 * pair;
            }
            moveBytes<uint16_t, 2>(native[i], tile + 1024 + (row * 2 + i) * 2);
            *reinterpret_cast<uint16_t*>(native[i] + 2) = uint16_t(highBits);
        }
    }
};
