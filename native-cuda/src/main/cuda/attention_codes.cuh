// How compressed keys and values become operands of the tensor cores. The row of a head is CODE_BYTES of codes and a 16-bit scale for each 32 elements. A lane
// turns codes into halves in registers, exactly, and multiplies them with their scale; lanes (g, t) are those of attention_fragments.cuh. Of queries and
// probabilities, one half is enough: codes are further from what they stand for.
#pragma once

#include "attention_fragments.cuh"

// One lane's part of a chunk.
struct CodeChunk {
    uint32_t words[16];
};

constexpr int LEVEL_BIAS = 128;
constexpr uint32_t HALF_1024_BYTES = 0x64646464;  // upper bytes of halves 1024 + x, where x is the lower byte
constexpr uint32_t MINUS_HALF_1152 = 0xE480E480;  // -(1024 + LEVEL_BIAS), twice

__device__ __forceinline__ uint2 loadCachedPair(const void *from) {
    uint2 x;
    asm volatile("ld.global.cg.v2.u32 {%0, %1}, [%2];" : "=r"(x.x), "=r"(x.y) : "l"(from));
    return x;
}

__device__ __forceinline__ uint32_t loadCachedWord(const void *from) {
    uint32_t x;
    asm volatile("ld.global.cg.u32 %0, [%1];" : "=r"(x) : "l"(from));
    return x;
}

// Four of eight bytes. Unlike __byte_perm, without clearing bits of the selector that are known to be clear.
__device__ __forceinline__ uint32_t selectBytes(uint32_t low, uint32_t high, uint32_t selector) {
    uint32_t bytes;
    asm("prmt.b32 %0, %1, %2, %3;" : "=r"(bytes) : "r"(low), "r"(high), "r"(selector));
    return bytes;
}

// Two bytes of biased levels, selected for the lower bytes of two halves, as levels times their scales.
template <uint32_t SELECTOR>
__device__ __forceinline__ uint32_t scaledLevels(uint32_t biased, uint32_t scales) {
    uint32_t halves;
    asm("{ .reg .b32 x;\n"
        "prmt.b32 x, %1, %2, %3;\n"
        "add.rn.f16x2 x, x, %4;\n"
        "mul.rn.f16x2 %0, x, %5; }"
        : "=r"(halves)
        : "r"(biased), "r"(HALF_1024_BYTES), "n"(SELECTOR), "r"(MINUS_HALF_1152), "r"(scales));
    return halves;
}

// The eight levels of a word of 4-bit codes, biased: of its codes 0 .. 3 and 4 .. 7, counted from the lowest bits.
__device__ __forceinline__ uint2 biasedLevels(uint32_t codes) {
    // HeadTQ4's levels + 128: -127 -100 -79 -62, -47 -32 -19 -6, 6 19 32 47, 62 79 100 127.
    constexpr uint32_t LEVELS_0 = 0x42311C01, LEVELS_4 = 0x7A6D6051, LEVELS_8 = 0xAFA09386, LEVELS_12 = 0xFFE4CFBE;
    const uint32_t of8 = codes & 0x77777777;
    // Byte i comes from the lower or the upper eight levels, which the code's highest bit tells.
    const uint32_t half = codes >> 1 & 0x44444444 | 0x32103210;
    uint2 levels;
    levels.x = selectBytes(selectBytes(LEVELS_0, LEVELS_4, of8), selectBytes(LEVELS_8, LEVELS_12, of8), half);
    levels.y = selectBytes(selectBytes(LEVELS_0, LEVELS_4, of8 >> 16), selectBytes(LEVELS_8, LEVELS_12, of8 >> 16), half >> 16);
    return levels;
}

// Where element `dim` of a query stands in shared memory: of each 32 elements, the four runs of 8 change places, so that lanes that read 32 or 16 elements each
// find them in different banks.
__device__ __forceinline__ int queryPlace(int dim) {
    return dim ^ (dim / 32 % 4 * 8);
}

// Signed bytes, in the order of the elements.
template <int D>
struct CodesQ8_0 {
    static constexpr bool ROTATED = false;
    static constexpr int CODE_BYTES = D;
    static constexpr int KEY_CHUNK_DIMS = 128;  // of 16 keys
    static constexpr int VALUE_CHUNK_KEYS = 32;  // of 64 dims
    static constexpr int VALUE_WORDS = 2;  // of a lane for one key

    // Eight dimensions of a value as biased levels.
    static __device__ __forceinline__ uint2 valueLevels(const uint32_t *words) { return make_uint2(words[0] ^ 0x80808080, words[1] ^ 0x80808080); }

    // A chunk of keys that begins at dimension `dim`. scales0, scales8: from there on, in the rows of the lane's two keys.
    template <class Shared, int COLUMN_TILES, int CHAINS>
    static __device__ __forceinline__ void scores(float (&s)[COLUMN_TILES][CHAINS][4], const CodeChunk &chunk, const uint16_t *scales0,
                                                  const uint16_t *scales8, const Shared &shared, int dim, int g, int t) {
        const uint2 of0 = *reinterpret_cast<const uint2 *>(scales0);
        const uint2 of8 = *reinterpret_cast<const uint2 *>(scales8);
        const uint32_t mine = t < 2 ? 0x1010 : 0x3232;
#pragma unroll
        for (int b = 0; b < 2; b++) {
            const uint32_t scale0 = __byte_perm(b == 0 ? of0.x : of0.y, 0, mine);
            const uint32_t scale8 = __byte_perm(b == 0 ? of8.x : of8.y, 0, mine);
#pragma unroll
            for (int unit = 0; unit < 2; unit++) {
                uint32_t a[2][4];
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    const uint32_t k0 = chunk.words[8 * b + 2 * unit + i] ^ 0x80808080;
                    const uint32_t k8 = chunk.words[8 * b + 4 + 2 * unit + i] ^ 0x80808080;
                    a[i][0] = scaledLevels<0x4140>(k0, scale0);
                    a[i][1] = scaledLevels<0x4140>(k8, scale8);
                    a[i][2] = scaledLevels<0x4342>(k0, scale0);
                    a[i][3] = scaledLevels<0x4342>(k8, scale8);
                }
#pragma unroll
                for (int n = 0; n < COLUMN_TILES; n++) {
                    const uint4 q = *reinterpret_cast<const uint4 *>(&shared.queries[0][8 * n + g][queryPlace(dim + 64 * b + 16 * t + 8 * unit)]);
                    multiply(s[n][2 * unit % CHAINS], a[0][0], a[0][1], a[0][2], a[0][3], q.x, q.y);
                    multiply(s[n][(2 * unit + 1) % CHAINS], a[1][0], a[1][1], a[1][2], a[1][3], q.z, q.w);
                }
            }
        }
    }

    // The order of a lane's eight dimensions is that of the output.
    template <class Running>
    static __device__ __forceinline__ void toCodeOrder(Running &) {}
    template <class Running>
    static __device__ __forceinline__ void fromCodeOrder(Running &) {}
};

// Codes of 4 bits: byte j of 16 has those of elements j and j + 16 of 32.
template <int D>
struct CodesTQ4 {
    static constexpr bool ROTATED = true;
    static constexpr int CODE_BYTES = D / 2;
    static constexpr int KEY_CHUNK_DIMS = 256;
    static constexpr int VALUE_CHUNK_KEYS = 64;
    static constexpr int VALUE_WORDS = 1;

    // Dimensions j, j + 16, j + 1, j + 17, ..., j = 4 * (g % 4), of 32.
    static __device__ __forceinline__ uint2 valueLevels(const uint32_t *words) { return biasedLevels(words[0]); }

    template <class Shared, int COLUMN_TILES, int CHAINS>
    static __device__ __forceinline__ void scores(float (&s)[COLUMN_TILES][CHAINS][4], const CodeChunk &chunk, const uint16_t *scales0,
                                                  const uint16_t *scales8, const Shared &shared, int dim, int g, int t) {
#pragma unroll
        for (int b = 0; b < 2; b++) {
            const uint32_t scale0 = scales0[4 * b + t] * 0x10001u;
            const uint32_t scale8 = scales8[4 * b + t] * 0x10001u;
#pragma unroll
            for (int unit = 0; unit < 2; unit++) {
                uint2 k0[2];
                uint2 k8[2];
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    k0[i] = biasedLevels(chunk.words[8 * b + 2 * unit + i]);
                    k8[i] = biasedLevels(chunk.words[8 * b + 4 + 2 * unit + i]);
                }
                const int of = dim + 128 * b + 32 * t + 8 * unit;
                products<0x4240, 0>(s, k0, k8, scale0, scale8, shared, of, g);
                products<0x4341, 2>(s, k0, k8, scale0, scale8, shared, of + 16, g);
            }
        }
    }

    // Between dimensions 8 * (g % 4) .. + 7 of 32, and those of valueLevels.
    template <class Running>
    static __device__ __forceinline__ void toCodeOrder(Running &running) {
        const int lane = threadIdx.x % 32;
        const int q = lane / 4 % 4;
        const int firstLane = lane - 4 * q;
        reorder(running, [&](const float(&x)[8], int place) {
            const int from = firstLane + 4 * (q / 2 + place % 2 * 2);
            const float low = __shfl_sync(0xffffffff, x[place / 2], from);
            const float high = __shfl_sync(0xffffffff, x[4 + place / 2], from);
            return q % 2 == 0 ? low : high;
        });
    }

    template <class Running>
    static __device__ __forceinline__ void fromCodeOrder(Running &running) {
        const int lane = threadIdx.x % 32;
        const int q = lane / 4 % 4;
        const int firstLane = lane - 4 * q;
        reorder(running, [&](const float(&x)[8], int place) {
            const int from = firstLane + 4 * (q % 2 * 2 + place / 4);
            const float low = __shfl_sync(0xffffffff, x[place % 4 * 2], from);
            const float high = __shfl_sync(0xffffffff, x[place % 4 * 2 + 1], from);
            return q < 2 ? low : high;
        });
    }

private:
    // Eight dimensions, of which the selector takes two out of each four levels, into sums CHAIN and the next.
    template <uint32_t SELECTOR, int CHAIN, class Shared, int COLUMN_TILES, int CHAINS>
    static __device__ __forceinline__ void products(float (&s)[COLUMN_TILES][CHAINS][4], const uint2 (&k0)[2], const uint2 (&k8)[2],
                                                    uint32_t scale0, uint32_t scale8, const Shared &shared, int dim, int g) {
        uint32_t a[2][4];
#pragma unroll
        for (int i = 0; i < 2; i++) {
            a[i][0] = scaledLevels<SELECTOR>(k0[i].x, scale0);
            a[i][1] = scaledLevels<SELECTOR>(k8[i].x, scale8);
            a[i][2] = scaledLevels<SELECTOR>(k0[i].y, scale0);
            a[i][3] = scaledLevels<SELECTOR>(k8[i].y, scale8);
        }
#pragma unroll
        for (int n = 0; n < COLUMN_TILES; n++) {
            const uint4 q = *reinterpret_cast<const uint4 *>(&shared.queries[0][8 * n + g][queryPlace(dim)]);
            multiply(s[n][CHAIN % CHAINS], a[0][0], a[0][1], a[0][2], a[0][3], q.x, q.y);
            multiply(s[n][(CHAIN + 1) % CHAINS], a[1][0], a[1][1], a[1][2], a[1][3], q.z, q.w);
        }
    }

    // source(x, place): what comes to a place of a lane's eight dimensions, x being the eight before.
    template <class Running, class Source>
    static __device__ __forceinline__ void reorder(Running &running, Source source) {
#pragma unroll
        for (int n = 0; n < Running::Shape::COLUMNS / 8; n++) {
#pragma unroll
            for (int e = 0; e < 2; e++) {
                float x[8];
#pragma unroll
                for (int i = 0; i < 8; i++) {
                    x[i] = running.output[n][i / 2][e + i % 2 * 2];
                }
#pragma unroll
                for (int i = 0; i < 8; i++) {
                    running.output[n][i / 2][e + i % 2 * 2] = source(x, i);
                }
            }
        }
    }
};

// The tail of a rotated cache, for queries that stand where codes want them.
struct CacheTail : CacheF16 {
    template <int CHAINS>
    static __device__ __forceinline__ void scores(float (&s)[CHAINS][4], const Chunk &chunk, const uint16_t *queries, int lowOffset, int t) {
#pragma unroll
        for (int b = 0; b < 4; b++) {
            const uint4 k0 = chunk.words[2 * b];
            const uint4 k8 = chunk.words[2 * b + 1];
#pragma unroll
            for (int part = 0; part < 2; part++) {
                const uint4 q = *reinterpret_cast<const uint4 *>(queries + part * lowOffset + queryPlace(32 * b + 8 * t));
                multiply(s[2 * part % CHAINS], k0.x, k8.x, k0.y, k8.y, q.x, q.y);
                multiply(s[(2 * part + 1) % CHAINS], k0.z, k8.z, k0.w, k8.w, q.z, q.w);
            }
        }
    }
};
