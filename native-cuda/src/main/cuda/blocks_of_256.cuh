#pragma once
#include "block_bytes.cuh"

// Formats with blocks of 256 elements; block_formats.cuh says what a format has.

struct Q2_K {
    static constexpr int ELEMENTS = 256, BYTES = 84;
    struct Run {
        uint32_t quants[4], pair, dm;
    };
    static __device__ __forceinline__ Run load(const uint8_t* block, unsigned run) {
        Run r;
        r.pair = __ldg(block + run);
        r.dm = __ldg(reinterpret_cast<const uint32_t*>(block + 80));
        load_16_bytes<4>(block + 16 + 32 * (run / 8) + 16 * (run % 2), r.quants);
        return r;
    }
    static __device__ __forceinline__ void decode(const Run& r, int run, float (&out)[RUN]) {
        uint32_t q[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            q[i] = r.quants[i] >> (run & 6) & 0x03030303u;
        }
        float scale = half_to_float(r.dm & 0xFFFF) * (r.pair & 15);
        scale_and_offset_bytes(q, scale, -(half_to_float(r.dm >> 16) * (r.pair >> 4)), out);
    }
};

struct Q3_K {
    static constexpr int ELEMENTS = 256, BYTES = 110;
    struct Run {
        Unaligned16 packed, third;
        uint32_t shift, lower_scale, upper_scale, d;
    };
    static __device__ __forceinline__ Run load(const uint8_t* block, unsigned run) {
        Run r;
        r.d = load_u16(block + 108);
        r.lower_scale = __ldg(block + 96 + run % 8);
        r.upper_scale = __ldg(block + 104 + run % 4);
        r.shift = Unaligned16::shift(block);
        r.packed.load(block + 32 + 32 * (run / 8) + 16 * (run % 2));
        r.third.load(block + 16 * (run % 2));
        return r;
    }
    static __device__ __forceinline__ void decode(const Run& r, int run, float (&out)[RUN]) {
        run &= 15;
        uint32_t q[4], third[4];
        r.packed.get(r.shift, q);
        r.third.get(r.shift, third);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            q[i] = (q[i] >> (run & 6) & 0x03030303u) | (third[i] >> run / 2 & 0x01010101u) << 2;
        }
        int scale = (r.lower_scale >> (run < 8 ? 0 : 4) & 15) | (r.upper_scale >> 2 * (run / 4) & 3) << 4;
        scale_bytes<4>(q, half_to_float(r.d) * (scale - 32), out);
    }
};

/** Scale and minimum of group g of the 12 bytes S (three words) of Q4_K and Q5_K. */
__device__ __forceinline__ void six_bit_pair(uint32_t s0, uint32_t s1, uint32_t s2, int g, uint32_t& scale, uint32_t& min) {
    int shift = 8 * (g & 3);
    uint32_t a = s0 >> shift & 255, b = s1 >> shift & 255, c = s2 >> shift & 255;
    scale = g < 4 ? a & 63 : (c & 15) | a >> 6 << 4;
    min = g < 4 ? b & 63 : c >> 4 | b >> 6 << 4;
}

struct Q4_K {
    static constexpr int ELEMENTS = 256, BYTES = 144;
    struct Run {
        uint32_t quants[4], header[4];
    };
    static __device__ __forceinline__ Run load(const uint8_t* block, unsigned run) {
        Run r;
        load_16_bytes<16>(block, r.header);
        load_16_bytes<16>(block + 16 + 32 * (run / 4) + 16 * (run % 2), r.quants);
        return r;
    }
    static __device__ __forceinline__ void decode(const Run& r, int run, float (&out)[RUN]) {
        uint32_t q[4], scale, min;
        nibbles(r.quants, run & 2, q);
        six_bit_pair(r.header[1], r.header[2], r.header[3], (run & 15) / 2, scale, min);
        scale_and_offset_bytes(q, half_to_float(r.header[0] & 0xFFFF) * scale, -(half_to_float(r.header[0] >> 16) * min), out);
    }
};

struct Q5_K {
    static constexpr int ELEMENTS = 256, BYTES = 176;
    struct Run {
        uint32_t quants[4], fifth[4], header[4];
    };
    static __device__ __forceinline__ Run load(const uint8_t* block, unsigned run) {
        Run r;
        load_16_bytes<16>(block, r.header);
        load_16_bytes<16>(block + 16 + 16 * (run % 2), r.fifth);
        load_16_bytes<16>(block + 48 + 32 * (run / 4) + 16 * (run % 2), r.quants);
        return r;
    }
    static __device__ __forceinline__ void decode(const Run& r, int run, float (&out)[RUN]) {
        uint32_t q[4], scale, min;
        int group = (run & 15) / 2;
        nibbles(r.quants, run & 2, q);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            q[i] |= (r.fifth[i] >> group & 0x01010101u) << 4;
        }
        six_bit_pair(r.header[1], r.header[2], r.header[3], group, scale, min);
        scale_and_offset_bytes(q, half_to_float(r.header[0] & 0xFFFF) * scale, -(half_to_float(r.header[0] >> 16) * min), out);
    }
};

struct Q6_K {
    static constexpr int ELEMENTS = 256, BYTES = 210;
    struct Run {
        Unaligned16 packed, upper;
        uint32_t shift, d;
        int scale;
    };
    static __device__ __forceinline__ Run load(const uint8_t* block, unsigned run) {
        Run r;
        unsigned half = run / 8;
        r.d = load_u16(block + 208);
        r.scale = __ldg(reinterpret_cast<const int8_t*>(block) + 192 + run);
        r.shift = Unaligned16::shift(block);
        r.packed.load(block + 64 * half + 16 * (run % 4));
        r.upper.load(block + 128 + 32 * half + 16 * (run % 2));
        return r;
    }
    static __device__ __forceinline__ void decode(const Run& r, int run, float (&out)[RUN]) {
        uint32_t bytes[4], upper[4], q[4];
        r.packed.get(r.shift, bytes);
        r.upper.get(r.shift, upper);
        nibbles(bytes, run & 4, q);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            q[i] |= (upper[i] >> (run & 6) & 0x03030303u) << 4;
        }
        scale_bytes<32>(q, half_to_float(r.d) * r.scale, out);
    }
};

struct IQ4_XS {
    static constexpr int ELEMENTS = 256, BYTES = 136;
    struct Run {
        uint32_t quants[4], header[2];
    };
    static __device__ __forceinline__ Run load(const uint8_t* block, unsigned run) {
        Run r;
        uint2 header = __ldg(reinterpret_cast<const uint2*>(block));
        r.header[0] = header.x, r.header[1] = header.y;
        load_16_bytes<8>(block + 8 + 16 * (run / 2), r.quants);
        return r;
    }
    static __device__ __forceinline__ void decode(const Run& r, int run, float (&out)[RUN]) {
        uint32_t q[4];
        int group = (run & 15) / 2;
        nibbles(r.quants, run & 1, q);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            q[i] = iq4_levels_plus_128(q[i]);
        }
        int scale = (r.header[1] >> 4 * group & 15) | (r.header[0] >> (16 + 2 * group) & 3) << 4;
        scale_bytes<128>(q, half_to_float(r.header[0] & 0xFFFF) * (scale - 32), out);
    }
};
