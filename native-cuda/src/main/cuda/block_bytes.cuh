#pragma once
#include <stdint.h>
#include "half.cuh"

// What the decoders of block formats are made of: fetching bytes, and turning bytes into floats.

/** Consecutive elements that are decoded together. */
constexpr int RUN = 16;

/** 16 bytes at any address, fetched as the aligned words that hold them; no word without a wanted byte is touched. */
struct Unaligned16 {
    uint32_t words[5];

    static __device__ __forceinline__ uint32_t shift(const uint8_t* at) {
        return (reinterpret_cast<uintptr_t>(at) & 3) * 8;
    }

    __device__ __forceinline__ void load(const uint8_t* at) {
        const uint32_t* aligned = reinterpret_cast<const uint32_t*>(reinterpret_cast<uintptr_t>(at) & ~uintptr_t(3));
#pragma unroll
        for (int i = 0; i < 4; i++) {
            words[i] = __ldg(aligned + i);
        }
        words[4] = shift(at) != 0 ? __ldg(aligned + 4) : 0;
    }

    __device__ __forceinline__ void get(uint32_t shift, uint32_t (&bytes)[4]) const {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            bytes[i] = __funnelshift_r(words[i], words[i + 1], shift);
        }
    }
};

/** 16 bytes from an address that is a multiple of ALIGN. */
template <int ALIGN>
__device__ __forceinline__ void load_16_bytes(const uint8_t* at, uint32_t (&words)[4]) {
    if constexpr (ALIGN >= 16) {
        uint4 v = __ldg(reinterpret_cast<const uint4*>(at));
        words[0] = v.x, words[1] = v.y, words[2] = v.z, words[3] = v.w;
    } else if constexpr (ALIGN >= 8) {
        uint2 a = __ldg(reinterpret_cast<const uint2*>(at));
        uint2 b = __ldg(reinterpret_cast<const uint2*>(at) + 1);
        words[0] = a.x, words[1] = a.y, words[2] = b.x, words[3] = b.y;
    } else {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            words[i] = __ldg(reinterpret_cast<const uint32_t*>(at) + i);
        }
    }
}

__device__ __forceinline__ uint32_t load_u16(const uint8_t* at) {
    return __ldg(reinterpret_cast<const uint16_t*>(at));
}

/** Byte b of a word, minus bias, exactly: 2^23 + byte is a float whose lowest bits are the byte; integer conversions would be slower. */
__device__ __forceinline__ float byte_minus(uint32_t word, int b, int bias) {
    return __uint_as_float(__byte_perm(word, 0x4B000000u, 0x7440u | b)) - (8388608.0f + bias);
}

/** out = scale * (q - bias) for the 16 bytes q. */
template <int BIAS>
__device__ __forceinline__ void scale_bytes(const uint32_t (&q)[4], float scale, float (&out)[RUN]) {
#pragma unroll
    for (int i = 0; i < RUN; i++) {
        out[i] = scale * byte_minus(q[i / 4], i % 4, BIAS);
    }
}

/** out = scale * q + offset for the 16 bytes q. */
__device__ __forceinline__ void scale_and_offset_bytes(const uint32_t (&q)[4], float scale, float offset, float (&out)[RUN]) {
#pragma unroll
    for (int i = 0; i < RUN; i++) {
        out[i] = scale * byte_minus(q[i / 4], i % 4, 0) + offset;
    }
}

__device__ __forceinline__ void nibbles(const uint32_t (&packed)[4], bool high, uint32_t (&q)[4]) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        q[i] = packed[i] >> (high ? 4 : 0) & 0x0F0F0F0Fu;
    }
}

/** Bits 0 to 3 to bit 0 of bytes 0 to 3. */
__device__ __forceinline__ uint32_t spread_bits(uint32_t four) {
    return (four & 15) * 0x00204081u & 0x01010101u;
}

/** The bytes of a table of 16 at the four nibbles in the bytes of n. */
__device__ __forceinline__ uint32_t look_up(uint32_t n, uint32_t t0, uint32_t t1, uint32_t t2, uint32_t t3) {
    uint32_t index = __byte_perm(n | n >> 4, 0, 0x4420) & 0x7777u;
    uint32_t upper = (n >> 3 & 0x01010101u) * 0xFFu;
    return (__byte_perm(t0, t1, index) & ~upper) | (__byte_perm(t2, t3, index) & upper);
}

/** The levels of IQ4_NL and IQ4_XS, plus 128, at four nibbles. */
__device__ __forceinline__ uint32_t iq4_levels_plus_128(uint32_t n) {
    return look_up(n, 0x3F2D1801u, 0x766A5D4Fu, 0xA6998D81u, 0xF1D9C5B5u);
}
