// How cached keys and values become operands of the tensor cores, by cache type. Nothing passes through shared memory: a lane loads 16 bytes
// of a row and has whole fragments, because both products may take their inner dimension in any order.
//
//   scores  S^T[16 keys][8 columns]  = K[16 keys][D] * Q^T[D][8 columns]      lane (g, t) loads keys g and g + 8
//   output  O^T[16 dims][8 columns] += V^T[16 dims][16 keys] * P^T            lane (g, t) loads 8 dims of keys 4t .. 4t + 3
//
// with g = lane / 4, t = lane % 4. A column is one query head of one token. Queries and probabilities come as the sum of two halves, so that
// products are exact to about 22 bits; 32-bit caches are cut in two halves as well.
#pragma once

#include "half.cuh"
#include "kv_cache.cuh"

// One lane's part of a chunk: eight 16-byte loads.
struct Chunk {
    uint4 words[8];
};

// Data that earlier kernels wrote: past L1, which knows nothing of them. Volatile, so that loads are issued where they are written.
__device__ __forceinline__ uint4 loadCached(const void *from) {
    uint4 x;
    asm volatile("ld.global.cg.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(x.x), "=r"(x.y), "=r"(x.z), "=r"(x.w) : "l"(from));
    return x;
}

__device__ __forceinline__ void multiply(float (&c)[4], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t b0, uint32_t b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

// x = high + low, both halves.
struct SplitPair {
    uint32_t high;
    uint32_t low;
};

__device__ __forceinline__ SplitPair splitPair(float x, float y) {
    const uint32_t high = floats_to_half2(x, y);
    return {high, floats_to_half2(x - half_to_float(high & 0xffff), y - half_to_float(high >> 16))};
}

struct CacheF16 {
    using Element = uint16_t;
    static constexpr bool DERIVED = false;
    // Of a key of D elements, those in the array of keys.
    template <int D>
    static constexpr int KEY_ELEMENTS = D;
    static constexpr int KEY_CHUNK_DIMS = 128;  // of 16 keys
    static constexpr int VALUE_CHUNK_KEYS = 32;  // of 64 dims

    // keys, values: of one head; slot0, slot8: of the keys g and g + 8.
    template <int D>
    static __device__ __forceinline__ void loadKeys(Chunk &chunk, const uint16_t *keys, const uint16_t *values, uint32_t slot0, uint32_t slot8, int dim,
                                                    int t) {
#pragma unroll
        for (int b = 0; b < 4; b++) {
            chunk.words[2 * b] = loadCached(keys + slot0 * D + dim + 32 * b + 8 * t);
            chunk.words[2 * b + 1] = loadCached(keys + slot8 * D + dim + 32 * b + 8 * t);
        }
    }

    // queries: the column's row of halves at the chunk's first dimension; low is the other half of the sum, lowOffset halves further on.
    template <int CHAINS>
    static __device__ __forceinline__ void scores(float (&s)[CHAINS][4], const Chunk &chunk, const uint16_t *queries, int lowOffset, int t) {
#pragma unroll
        for (int b = 0; b < 4; b++) {
            const uint4 k0 = chunk.words[2 * b];
            const uint4 k8 = chunk.words[2 * b + 1];
#pragma unroll
            for (int part = 0; part < 2; part++) {
                const uint4 q = *reinterpret_cast<const uint4 *>(queries + part * lowOffset + 32 * b + 8 * t);
                multiply(s[2 * part % CHAINS], k0.x, k8.x, k0.y, k8.y, q.x, q.y);
                multiply(s[(2 * part + 1) % CHAINS], k0.z, k8.z, k0.w, k8.w, q.z, q.w);
            }
        }
    }

    template <class Row>
    static __device__ __forceinline__ void loadValues(Chunk &chunk, Row row, int t) {
#pragma unroll
        for (int step = 0; step < 2; step++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                chunk.words[4 * step + i] = loadCached(row(16 * step + 4 * t + i));
            }
        }
    }

    // probabilities: the column's row of halves at the chunk's first key.
    static __device__ __forceinline__ void accumulate(float (&o)[4][4], const Chunk &chunk, const uint16_t *probabilities, int lowOffset, int t) {
        uint2 high[2];
        uint2 low[2];
#pragma unroll
        for (int step = 0; step < 2; step++) {
            high[step] = *reinterpret_cast<const uint2 *>(probabilities + 16 * step + 4 * t);
            low[step] = *reinterpret_cast<const uint2 *>(probabilities + lowOffset + 16 * step + 4 * t);
        }
        accumulate(o, chunk, high, low);
    }

    // high, low: of the probabilities of keys 4t .. 4t + 3 of each 16.
    static __device__ __forceinline__ void accumulate(float (&o)[4][4], const Chunk &chunk, const uint2 (&high)[2], const uint2 (&low)[2]) {
#pragma unroll
        for (int step = 0; step < 2; step++) {
            const uint32_t *v0 = &chunk.words[4 * step].x;
            const uint32_t *v1 = &chunk.words[4 * step + 1].x;
            const uint32_t *v2 = &chunk.words[4 * step + 2].x;
            const uint32_t *v3 = &chunk.words[4 * step + 3].x;
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const uint32_t a0 = __byte_perm(v0[i], v1[i], 0x5410);
                const uint32_t a1 = __byte_perm(v0[i], v1[i], 0x7632);
                const uint32_t a2 = __byte_perm(v2[i], v3[i], 0x5410);
                const uint32_t a3 = __byte_perm(v2[i], v3[i], 0x7632);
                multiply(o[i], a0, a1, a2, a3, high[step].x, high[step].y);
                multiply(o[i], a0, a1, a2, a3, low[step].x, low[step].y);
            }
        }
    }
};

// Keys derived from values: the first 64 dimensions of a chunk may be stored, the others are not.
struct CacheF16Derived : CacheF16 {
    static constexpr bool DERIVED = true;
    template <int D>
    static constexpr int KEY_ELEMENTS = DERIVED_ELEMENTS;
    static_assert(DERIVED_PAIRS == KEY_CHUNK_DIMS / 2, "what is stored is half a chunk");

    template <int D>
    static __device__ __forceinline__ void loadKeys(Chunk &chunk, const uint16_t *keys, const uint16_t *values, uint32_t slot0, uint32_t slot8, int dim,
                                                    int t) {
        const uint16_t *rest0 = values + slot0 * D + dim;
        const uint16_t *rest8 = values + slot8 * D + dim;
        const uint16_t *stored = keys + placeInDerived(dim);
        const bool isStored = isStoredOfDerived(dim);
        const uint16_t *first0 = isStored ? stored + slot0 * DERIVED_ELEMENTS : rest0;
        const uint16_t *first8 = isStored ? stored + slot8 * DERIVED_ELEMENTS : rest8;
#pragma unroll
        for (int b = 0; b < 4; b++) {
            chunk.words[2 * b] = loadCached((b < 2 ? first0 : rest0) + 32 * b + 8 * t);
            chunk.words[2 * b + 1] = loadCached((b < 2 ? first8 : rest8) + 32 * b + 8 * t);
        }
    }
};

struct CacheF32 {
    using Element = float;
    static constexpr bool DERIVED = false;
    template <int D>
    static constexpr int KEY_ELEMENTS = D;
    static constexpr int KEY_CHUNK_DIMS = 64;
    static constexpr int VALUE_CHUNK_KEYS = 16;

    template <int D>
    static __device__ __forceinline__ void loadKeys(Chunk &chunk, const float *keys, const float *, uint32_t slot0, uint32_t slot8, int dim, int t) {
#pragma unroll
        for (int b = 0; b < 4; b++) {
            chunk.words[2 * b] = loadCached(keys + slot0 * D + dim + 16 * b + 4 * t);
            chunk.words[2 * b + 1] = loadCached(keys + slot8 * D + dim + 16 * b + 4 * t);
        }
    }

    template <int CHAINS>
    static __device__ __forceinline__ void scores(float (&s)[CHAINS][4], const Chunk &chunk, const uint16_t *queries, int lowOffset, int t) {
#pragma unroll
        for (int b = 0; b < 4; b++) {
            const float4 k0 = floats(chunk.words[2 * b]);
            const float4 k8 = floats(chunk.words[2 * b + 1]);
            const SplitPair a0 = splitPair(k0.x, k0.y);
            const SplitPair a1 = splitPair(k8.x, k8.y);
            const SplitPair a2 = splitPair(k0.z, k0.w);
            const SplitPair a3 = splitPair(k8.z, k8.w);
            const uint2 high = *reinterpret_cast<const uint2 *>(queries + 16 * b + 4 * t);
            const uint2 low = *reinterpret_cast<const uint2 *>(queries + lowOffset + 16 * b + 4 * t);
            multiply(s[0], a0.high, a1.high, a2.high, a3.high, high.x, high.y);
            multiply(s[1 % CHAINS], a0.low, a1.low, a2.low, a3.low, high.x, high.y);
            multiply(s[2 % CHAINS], a0.high, a1.high, a2.high, a3.high, low.x, low.y);
        }
    }

    template <class Row>
    static __device__ __forceinline__ void loadValues(Chunk &chunk, Row row, int t) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const float *from = row(4 * t + i);
            chunk.words[2 * i] = loadCached(from);
            chunk.words[2 * i + 1] = loadCached(from + 4);
        }
    }

    static __device__ __forceinline__ void accumulate(float (&o)[4][4], const Chunk &chunk, const uint16_t *probabilities, int lowOffset, int t) {
        const uint2 high = *reinterpret_cast<const uint2 *>(probabilities + 4 * t);
        const uint2 low = *reinterpret_cast<const uint2 *>(probabilities + lowOffset + 4 * t);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            // Dims 2i and 2i + 1 of the lane's eight, keys 4t .. 4t + 3.
            float even[4];
            float odd[4];
#pragma unroll
            for (int key = 0; key < 4; key++) {
                const float4 v = floats(chunk.words[2 * key + i / 2]);
                even[key] = i % 2 == 0 ? v.x : v.z;
                odd[key] = i % 2 == 0 ? v.y : v.w;
            }
            const SplitPair a0 = splitPair(even[0], even[1]);
            const SplitPair a1 = splitPair(odd[0], odd[1]);
            const SplitPair a2 = splitPair(even[2], even[3]);
            const SplitPair a3 = splitPair(odd[2], odd[3]);
            multiply(o[i], a0.high, a1.high, a2.high, a3.high, high.x, high.y);
            multiply(o[i], a0.low, a1.low, a2.low, a3.low, high.x, high.y);
            multiply(o[i], a0.high, a1.high, a2.high, a3.high, low.x, low.y);
        }
    }

private:
    static __device__ __forceinline__ float4 floats(uint4 x) {
        return make_float4(__uint_as_float(x.x), __uint_as_float(x.y), __uint_as_float(x.z), __uint_as_float(x.w));
    }
};
