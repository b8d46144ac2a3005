// Decoding of the block formats in tile layout. A format says where a lane finds its two chunks of a tile (load), and adds their dot products with
// the activations to the sums of its two rows (accumulate). Every chunk of a quantized format is two half-chunks of 16 elements, low and high nibbles where
// there are nibbles, and a half-chunk has one scale.
#pragma once

#include <cuda_fp16.h>

#include "activation_format.cuh"
#include "bulk_copy.cuh"
#include "tile_layout.cuh"

// Scales are pairs of f16, this row's and that of the row four below, or one row's scale and minimum.
__device__ __forceinline__ float2 halves(unsigned bits) {
    __half2 pair = *reinterpret_cast<__half2*>(&bits);
    return __half22float2(pair);
}

// From the ring in shared memory, or straight from global memory where there are no bulk copies.
template <class T>
__device__ __forceinline__ T readWeights(const uint8_t* at) {
#if BULK_COPY
    return *reinterpret_cast<const T*>(at);
#else
    return __ldg(reinterpret_cast<const T*>(at));
#endif
}

// The activations that meet one chunk.
struct ChunkActivations {
    int low[4];
    int high[4];
    GroupScale lowScale[GROUPS_PER_HALF_CHUNK];
    GroupScale highScale[GROUPS_PER_HALF_CHUNK];
};

__device__ __forceinline__ float groupSums(const GroupScale (&scale)[GROUPS_PER_HALF_CHUNK]) {
    float sum = scale[0].s;
#pragma unroll
    for (int g = 1; g < GROUPS_PER_HALF_CHUNK; g++) sum += scale[g].s;
    return sum;
}

struct UnsignedBytes {
    // Mixed signs have no intrinsic.
    static __device__ __forceinline__ int dot(unsigned weights, int activations, int sum) {
        asm("dp4a.u32.s32 %0, %1, %2, %0;" : "+r"(sum) : "r"(weights), "r"(activations));
        return sum;
    }
};

struct SignedBytes {
    static __device__ __forceinline__ int dot(unsigned weights, int activations, int sum) {
        return __dp4a(int(weights), activations, sum);
    }
};

// sum of weight * activation over a half-chunk; the integer sums are below 2^24 and so exact in f32.
template <class Bytes>
__device__ __forceinline__ float halfChunkDot(const unsigned (&weights)[4], const int (&activations)[4], const GroupScale (&scale)[GROUPS_PER_HALF_CHUNK]) {
    constexpr int WORDS = 4 / GROUPS_PER_HALF_CHUNK;
    float result = 0;
#pragma unroll
    for (int g = 0; g < GROUPS_PER_HALF_CHUNK; g++) {
        int sum = 0;
#pragma unroll
        for (int w = 0; w < WORDS; w++) sum = Bytes::dot(weights[g * WORDS + w], activations[g * WORDS + w], sum);
        result = g == 0 ? scale[g].d * sum : fmaf(scale[g].d, float(sum), result);
    }
    return result;
}

__device__ __forceinline__ void words(const uint4& chunk, unsigned (&out)[4]) {
    out[0] = chunk.x, out[1] = chunk.y, out[2] = chunk.z, out[3] = chunk.w;
}

__device__ __forceinline__ void lowNibbles(const uint4& chunk, unsigned (&out)[4]) {
    words(chunk, out);
#pragma unroll
    for (int w = 0; w < 4; w++) out[w] &= 0x0F0F0F0F;
}

__device__ __forceinline__ void highNibbles(const uint4& chunk, unsigned (&out)[4]) {
    words(chunk, out);
#pragma unroll
    for (int w = 0; w < 4; w++) out[w] = out[w] >> 4 & 0x0F0F0F0F;
}

// Fifth bits of a chunk in one word: bit 8k + w belongs to byte k of low word w, bit 8k + 4 + w to byte k of high word w.
__device__ __forceinline__ void withFifthBits(unsigned bits, unsigned (&low)[4], unsigned (&high)[4]) {
#pragma unroll
    for (int w = 0; w < 4; w++) {
        low[w] |= bits << (4 - w) & 0x10101010;
        high[w] |= bits >> w & 0x10101010;
    }
}

// The 16 signed values of a four-bit code book, four to a word.
struct CodeBook {
    unsigned values[4];

    // Codes of four elements as the low nibbles of the low half of `codes`, first element lowest.
    __device__ __forceinline__ unsigned lookUp(unsigned codes) const {
        unsigned within = codes & 0x7777;
        unsigned lower = __byte_perm(values[0], values[1], within);
        unsigned upper = __byte_perm(values[2], values[3], within);
        return __byte_perm(lower, upper, 0x3210 | (codes & 0x8888) >> 1);
    }

    __device__ __forceinline__ void lookUpChunk(const uint4& chunk, unsigned (&low)[4], unsigned (&high)[4]) const {
        unsigned codes[4];
        words(chunk, codes);
#pragma unroll
        for (int w = 0; w < 4; w++) {
            // Elements of low and high nibbles alternate in the result.
            unsigned first = lookUp(codes[w]);
            unsigned second = lookUp(codes[w] >> 16);
            low[w] = __byte_perm(first, second, 0x6420);
            high[w] = __byte_perm(first, second, 0x7531);
        }
    }
};

// -127 -104 -83 -65 | -49 -35 -22 -10 | 1 13 25 38 | 53 69 89 113
__device__ constexpr CodeBook NONLINEAR_4_BIT = {{0xBFAD9881, 0xF6EADDCF, 0x26190D01, 0x71594535}};
// Twice the values of E2M1: 0 1 2 3 | 4 6 8 12 | 0 -1 -2 -3 | -4 -6 -8 -12
__device__ constexpr CodeBook E2M1_TWICE = {{0x03020100, 0x0C080604, 0xFDFEFF00, 0xF4F8FAFC}};
