// Decoded values of the chunks of a tile as f16, and where in the tile they stand: chunk c holds 16 elements from first(c) on, "low", and 16 from
// second(c) on, "high". A value is computed in 32-bit floats, where it is exact, and rounded once.
#pragma once

#include "half.cuh"
#include "tile_formats_256.cuh"
#include "tile_formats_32.cuh"
#include "tile_formats_float.cuh"

/** scale * (byte - OFFSET) + offset of 16 unsigned bytes. */
template <int OFFSET>
__device__ __forceinline__ void scaled_bytes(const unsigned (&bytes)[4], float scale, float offset, uint32_t (&out)[8]) {
    // 2^23 + byte is a float whose lowest bits are the byte.
    constexpr float MAGIC = 8388608 + OFFSET;
#pragma unroll
    for (int i = 0; i < 8; i++) {
        float first = __uint_as_float(__byte_perm(bytes[i / 2], 0x4B000000, i % 2 == 0 ? 0x7540 : 0x7542)) - MAGIC;
        float second = __uint_as_float(__byte_perm(bytes[i / 2], 0x4B000000, i % 2 == 0 ? 0x7541 : 0x7543)) - MAGIC;
        out[i] = floats_to_half2(fmaf(scale, first, offset), fmaf(scale, second, offset));
    }
}

/** scale * byte of 16 signed bytes. */
__device__ __forceinline__ void scaled_signed_bytes(const unsigned (&bytes)[4], float scale, uint32_t (&out)[8]) {
    unsigned biased[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        biased[i] = bytes[i] ^ 0x80808080;
    }
    scaled_bytes<128>(biased, scale, 0, out);
}

template <class F>
struct TileValues;

template <>
struct TileValues<Q4_K> {
    static __device__ __forceinline__ int first(int c) {
        return 64 * (c / 2) + 16 * (c % 2);
    }
    static __device__ __forceinline__ int second(int c) {
        return first(c) + 32;
    }
    /** Of row r (i = 0) or r + 4 (i = 1), in the two groups of 32 that the header's field is about. */
    static __device__ __forceinline__ void apply(const SixBitHeader& header, int i, const unsigned (&low)[4], const unsigned (&high)[4],
            uint32_t (&low_out)[8], uint32_t (&high_out)[8]) {
        float2 factor = halves(i == 0 ? header.factors.x : header.factors.y);
        unsigned field = i == 0 ? header.fields : header.fields >> 24 | unsigned(header.rest) << 8;
        scaled_bytes<0>(low, factor.x * float(field & 63), -factor.y * float(field >> 6 & 63), low_out);
        scaled_bytes<0>(high, factor.x * float(field >> 12 & 63), -factor.y * float(field >> 18 & 63), high_out);
    }
    static __device__ __forceinline__ void decode(const Q4_K::Fragment& f, int i, int, uint32_t (&low_out)[8], uint32_t (&high_out)[8]) {
        unsigned low[4], high[4];
        lowNibbles(f.quants[i], low);
        highNibbles(f.quants[i], high);
        apply(f.header, i, low, high, low_out, high_out);
    }
};

template <>
struct TileValues<Q5_K> : TileValues<Q4_K> {
    static __device__ __forceinline__ void decode(const Q5_K::Fragment& f, int i, int, uint32_t (&low_out)[8], uint32_t (&high_out)[8]) {
        unsigned low[4], high[4];
        lowNibbles(f.quants[i], low);
        highNibbles(f.quants[i], high);
        withFifthBits(i == 0 ? f.fifthBits.x : f.fifthBits.y, low, high);
        apply(f.header, i, low, high, low_out, high_out);
    }
};

template <>
struct TileValues<Q6_K> {
    static __device__ __forceinline__ int first(int c) {
        return 128 * (c / 4) + 32 * (c / 2 % 2) + 16 * (c % 2);
    }
    static __device__ __forceinline__ int second(int c) {
        return first(c) + 64;
    }
    static __device__ __forceinline__ void decode(const Q6_K::Fragment& f, int i, int, uint32_t (&low_out)[8], uint32_t (&high_out)[8]) {
        unsigned low[4], high[4];
        lowNibbles(f.quants[i], low);
        highNibbles(f.quants[i], high);
        Q6_K::withHighBits(i == 0 ? f.highBits.x : f.highBits.z, low);
        Q6_K::withHighBits(i == 0 ? f.highBits.y : f.highBits.w, high);
        float2 factors = halves(f.factors);
        float factor = i == 0 ? factors.x : factors.y;
        scaled_bytes<32>(low, factor * int8_t(f.scales >> 16 * i), 0, low_out);
        scaled_bytes<32>(high, factor * int8_t(f.scales >> (16 * i + 8)), 0, high_out);
    }
};

/** A chunk is 32 columns. */
struct ConsecutiveHalves {
    static __device__ __forceinline__ int first(int c) {
        return 32 * c;
    }
    static __device__ __forceinline__ int second(int c) {
        return 32 * c + 16;
    }
};

template <>
struct TileValues<IQ4_XS> : ConsecutiveHalves {
    static __device__ __forceinline__ void decode(const IQ4_XS::Fragment& f, int i, int chunk, uint32_t (&low_out)[8], uint32_t (&high_out)[8]) {
        unsigned low[4], high[4];
        NONLINEAR_4_BIT.lookUpChunk(f.quants[i], low, high);
        float2 factors = halves(f.factors);
        int high_bits = f.scaleHigh >> 4 * (chunk & 1);
        int scale = (f.scaleLow >> 4 * i & 15 | (high_bits >> 2 * i & 3) << 4) - 32;
        float factor = (i == 0 ? factors.x : factors.y) * scale;
        scaled_signed_bytes(low, factor, low_out);
        scaled_signed_bytes(high, factor, high_out);
    }
};

template <bool FIFTH_BITS, bool MINIMA>
struct TileValues<Nibbles32<FIFTH_BITS, MINIMA>> : ConsecutiveHalves {
    static __device__ __forceinline__ void decode(const typename Nibbles32<FIFTH_BITS, MINIMA>::Fragment& f, int i, int, uint32_t (&low_out)[8],
            uint32_t (&high_out)[8]) {
        constexpr int OFFSET = MINIMA ? 0 : FIFTH_BITS ? 16 : 8;
        unsigned low[4], high[4];
        lowNibbles(f.quants[i], low);
        highNibbles(f.quants[i], high);
        if (FIFTH_BITS) {
            withFifthBits(i == 0 ? f.fifthBits.x : f.fifthBits.y, low, high);
        }
        float2 scales = halves(f.scales);
        float2 minima = MINIMA ? halves(f.minima) : float2{};
        scaled_bytes<OFFSET>(low, i == 0 ? scales.x : scales.y, i == 0 ? minima.x : minima.y, low_out);
        scaled_bytes<OFFSET>(high, i == 0 ? scales.x : scales.y, i == 0 ? minima.x : minima.y, high_out);
    }
};

template <>
struct TileValues<IQ4_NL> : ConsecutiveHalves {
    static __device__ __forceinline__ void decode(const IQ4_NL::Fragment& f, int i, int, uint32_t (&low_out)[8], uint32_t (&high_out)[8]) {
        unsigned low[4], high[4];
        NONLINEAR_4_BIT.lookUpChunk(f.quants[i], low, high);
        float2 scales = halves(f.scales);
        scaled_signed_bytes(low, i == 0 ? scales.x : scales.y, low_out);
        scaled_signed_bytes(high, i == 0 ? scales.x : scales.y, high_out);
    }
};

template <>
struct TileValues<MXFP4> : ConsecutiveHalves {
    static __device__ __forceinline__ void decode(const MXFP4::Fragment& f, int i, int, uint32_t (&low_out)[8], uint32_t (&high_out)[8]) {
        unsigned low[4], high[4];
        E2M1_TWICE.lookUpChunk(f.quants[i], low, high);
        float scale = MXFP4::scale(f.exponents >> 8 * i & 0xFF);
        scaled_signed_bytes(low, scale, low_out);
        scaled_signed_bytes(high, scale, high_out);
    }
};

template <>
struct TileValues<Q8_0> : ConsecutiveHalves {
    static __device__ __forceinline__ void decode(const Q8_0::Fragment& f, int i, int, uint32_t (&low_out)[8], uint32_t (&high_out)[8]) {
        unsigned low[4], high[4];
        words(f.low[i], low);
        words(f.high[i], high);
        float2 scales = halves(f.scales);
        scaled_signed_bytes(low, i == 0 ? scales.x : scales.y, low_out);
        scaled_signed_bytes(high, i == 0 ? scales.x : scales.y, high_out);
    }
};

/** Eight elements of 16 bits as f16. */
template <class F>
__device__ __forceinline__ uint4 sixteen_bit_values(const uint4& elements);

template <>
__device__ __forceinline__ uint4 sixteen_bit_values<F16>(const uint4& elements) {
    return elements;
}

template <>
__device__ __forceinline__ uint4 sixteen_bit_values<BF16>(const uint4& elements) {
    unsigned in[4], out[4];
    words(elements, in);
#pragma unroll
    for (int i = 0; i < 4; i++) {
        float2 pair = DecodeBF16::pair(in[i]);
        out[i] = floats_to_half2(pair.x, pair.y);
    }
    return make_uint4(out[0], out[1], out[2], out[3]);
}
