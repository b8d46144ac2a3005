#pragma once
#include "block_bytes.cuh"

// Formats with blocks of 32 elements; block_formats.cuh says what a format has.

struct Q4_0 {
    static constexpr int ELEMENTS = 32, BYTES = 18;
    struct Run {
        Unaligned16 packed;
        uint32_t shift, d;
    };
    static __device__ __forceinline__ Run load(const uint8_t* block, unsigned) {
        Run r;
        r.d = load_u16(block);
        r.shift = Unaligned16::shift(block + 2);
        r.packed.load(block + 2);
        return r;
    }
    static __device__ __forceinline__ void decode(const Run& r, int run, float (&out)[RUN]) {
        uint32_t bytes[4], q[4];
        r.packed.get(r.shift, bytes);
        nibbles(bytes, run & 1, q);
        scale_bytes<8>(q, half_to_float(r.d), out);
    }
};

struct Q4_1 {
    static constexpr int ELEMENTS = 32, BYTES = 20;
    struct Run {
        uint32_t quants[4], dm;
    };
    static __device__ __forceinline__ Run load(const uint8_t* block, unsigned) {
        Run r;
        r.dm = __ldg(reinterpret_cast<const uint32_t*>(block));
        load_16_bytes<4>(block + 4, r.quants);
        return r;
    }
    static __device__ __forceinline__ void decode(const Run& r, int run, float (&out)[RUN]) {
        uint32_t q[4];
        nibbles(r.quants, run & 1, q);
        scale_and_offset_bytes(q, half_to_float(r.dm & 0xFFFF), half_to_float(r.dm >> 16), out);
    }
};

/** Adds the fifth bits, in element order in the low half of a word, to 16 nibbles. */
__device__ __forceinline__ void add_fifth_bits(uint32_t sixteen, uint32_t (&q)[4]) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        q[i] |= spread_bits(sixteen >> 4 * i) << 4;
    }
}

struct Q5_0 {
    static constexpr int ELEMENTS = 32, BYTES = 22;
    struct Run {
        Unaligned16 packed;
        uint32_t shift, fifth, d;
    };
    static __device__ __forceinline__ Run load(const uint8_t* block, unsigned run) {
        Run r;
        r.d = load_u16(block);
        r.fifth = load_u16(block + 2 + 2 * run);
        r.shift = Unaligned16::shift(block + 6);
        r.packed.load(block + 6);
        return r;
    }
    static __device__ __forceinline__ void decode(const Run& r, int run, float (&out)[RUN]) {
        uint32_t bytes[4], q[4];
        r.packed.get(r.shift, bytes);
        nibbles(bytes, run & 1, q);
        add_fifth_bits(r.fifth, q);
        scale_bytes<16>(q, half_to_float(r.d), out);
    }
};

struct Q5_1 {
    static constexpr int ELEMENTS = 32, BYTES = 24;
    struct Run {
        uint32_t quants[4], fifth, dm;
    };
    static __device__ __forceinline__ Run load(const uint8_t* block, unsigned run) {
        Run r;
        r.dm = __ldg(reinterpret_cast<const uint32_t*>(block));
        r.fifth = load_u16(block + 4 + 2 * run);
        load_16_bytes<8>(block + 8, r.quants);
        return r;
    }
    static __device__ __forceinline__ void decode(const Run& r, int run, float (&out)[RUN]) {
        uint32_t q[4];
        nibbles(r.quants, run & 1, q);
        add_fifth_bits(r.fifth, q);
        scale_and_offset_bytes(q, half_to_float(r.dm & 0xFFFF), half_to_float(r.dm >> 16), out);
    }
};

struct Q8_0 {
    static constexpr int ELEMENTS = 32, BYTES = 34;
    struct Run {
        Unaligned16 packed;
        uint32_t shift, d;
    };
    static __device__ __forceinline__ Run load(const uint8_t* block, unsigned run) {
        Run r;
        r.d = load_u16(block);
        r.shift = Unaligned16::shift(block + 2);
        r.packed.load(block + 2 + 16 * run);
        return r;
    }
    static __device__ __forceinline__ void decode(const Run& r, unsigned, float (&out)[RUN]) {
        uint32_t q[4];
        r.packed.get(r.shift, q);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            q[i] ^= 0x80808080u;
        }
        scale_bytes<128>(q, half_to_float(r.d), out);
    }
};

struct IQ4_NL {
    static constexpr int ELEMENTS = 32, BYTES = 18;
    using Run = Q4_0::Run;
    static __device__ __forceinline__ Run load(const uint8_t* block, unsigned run) {
        return Q4_0::load(block, run);
    }
    static __device__ __forceinline__ void decode(const Run& r, int run, float (&out)[RUN]) {
        uint32_t bytes[4], q[4];
        r.packed.get(r.shift, bytes);
        nibbles(bytes, run & 1, q);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            q[i] = iq4_levels_plus_128(q[i]);
        }
        scale_bytes<128>(q, half_to_float(r.d), out);
    }
};

struct MXFP4 {
    static constexpr int ELEMENTS = 32, BYTES = 17;
    struct Run {
        Unaligned16 packed;
        uint32_t shift, exponent;
    };
    static __device__ __forceinline__ Run load(const uint8_t* block, unsigned) {
        Run r;
        r.exponent = __ldg(block);
        r.shift = Unaligned16::shift(block + 1);
        r.packed.load(block + 1);
        return r;
    }
    static __device__ __forceinline__ void decode(const Run& r, int run, float (&out)[RUN]) {
        uint32_t bytes[4], q[4];
        r.packed.get(r.shift, bytes);
        nibbles(bytes, run & 1, q);
        uint32_t scale = r.exponent < 2 ? 0x00200000u << r.exponent : r.exponent - 1 << 23;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            // Magnitudes by the lower three bits; the sign goes to the scale, so that minus zero stays one.
            uint32_t magnitudes = look_up(q[i] & 0x07070707u, 0x03020100u, 0x0C080604u, 0, 0);
#pragma unroll
            for (int b = 0; b < 4; b++) {
                uint32_t sign = q[i] << (28 - 8 * b) & 0x80000000u;
                out[4 * i + b] = __uint_as_float(scale ^ sign) * byte_minus(magnitudes, b, 0);
            }
        }
    }
};
