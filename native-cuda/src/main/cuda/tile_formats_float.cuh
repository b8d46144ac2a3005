// Unquantized formats: a tile is 8 rows by 8 chunks of 16 bytes; activations stay f32. One format each for 2-byte and 4-byte elements.
#pragma once

#include <cuda_fp16.h>

#include "tile_layout.cuh"
#include "tile_formats.cuh"

template <int COLUMNS>
struct FloatTile {
    static constexpr bool QUANTIZED = false;
    static constexpr bool NARROW_TILES = true;
    static constexpr int TILE_COLUMNS = COLUMNS;
    static constexpr int TILE_BYTES = 1024;

    struct Fragment {
        uint4 elements[2];
    };

    static __device__ __forceinline__ Fragment load(const uint8_t* tile, int chunks, int row, int chunk) {
        int pair = row * chunks + chunk;
        return {{readWeights<uint4>(tile + pair * 16), readWeights<uint4>(tile + (pair + 4 * chunks) * 16)}};
    }
};

// Decode turns a word into two floats.
template <class Decode>
struct TwoByteFloats : FloatTile<64> {
    static constexpr int QUADS_PER_CHUNK = 2;

    static __device__ __forceinline__ void accumulate(const Fragment& f, const float4 (&a)[2], float (&sums)[2]) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
            unsigned pairs[4];
            words(f.elements[i], pairs);
#pragma unroll
            for (int w = 0; w < 4; w++) {
                float2 weights = Decode::pair(pairs[w]);
                const float4& quad = a[w / 2];
                sums[i] = fmaf(weights.x, w % 2 == 0 ? quad.x : quad.z, sums[i]);
                sums[i] = fmaf(weights.y, w % 2 == 0 ? quad.y : quad.w, sums[i]);
            }
        }
    }
};

struct DecodeBF16 {
    static __device__ __forceinline__ float2 pair(unsigned bits) { return {__uint_as_float(bits << 16), __uint_as_float(bits & 0xFFFF0000)}; }
};

struct DecodeF16 {
    static __device__ __forceinline__ float2 pair(unsigned bits) { return halves(bits); }
};

using BF16 = TwoByteFloats<DecodeBF16>;
using F16 = TwoByteFloats<DecodeF16>;

struct F32 : FloatTile<32> {
    static constexpr int QUADS_PER_CHUNK = 1;

    static __device__ __forceinline__ void accumulate(const Fragment& f, const float4 (&a)[1], float (&sums)[2]) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
            unsigned elements[4];
            words(f.elements[i], elements);
            sums[i] = fmaf(__uint_as_float(elements[0]), a[0].x, sums[i]);
            sums[i] = fmaf(__uint_as_float(elements[1]), a[0].y, sums[i]);
            sums[i] = fmaf(__uint_as_float(elements[2]), a[0].z, sums[i]);
            sums[i] = fmaf(__uint_as_float(elements[3]), a[0].w, sums[i]);
        }
    }
};
