#pragma once
#include <stdint.h>
#include "half.cuh"

// The block formats of GGUF, in the layout of the file. A format decodes "runs": 16 consecutive elements, of which run r starts at element
// 16 r of its row. Every format has one scale per run or less. load() only fetches, decode() only computes, so that callers can fetch ahead.
// Decoded floats are bit-equal to io.gemma4j.tensor: products of scales are exact in 32-bit floats, whichever way the compiler contracts.

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

/** 16 elements as they stand in memory, from any address they can have; elements from valid on are 0. */
template <class ELEMENT>
__device__ __forceinline__ void load_elements(const uint8_t* at, int valid, uint32_t (&words)[RUN * sizeof(ELEMENT) / 4]) {
    constexpr int PER_WORD = 4 / sizeof(ELEMENT);
    if (valid >= RUN && (reinterpret_cast<uintptr_t>(at) & 15) == 0) {
#pragma unroll
        for (int i = 0; i < RUN / PER_WORD / 4; i++) {
            uint4 v = __ldg(reinterpret_cast<const uint4*>(at) + i);
            words[4 * i] = v.x, words[4 * i + 1] = v.y, words[4 * i + 2] = v.z, words[4 * i + 3] = v.w;
        }
    } else {
#pragma unroll
        for (int i = 0; i < RUN; i++) {
            uint32_t element = i < valid ? __ldg(reinterpret_cast<const ELEMENT*>(at) + i) : 0;
            words[i / PER_WORD] = (i % PER_WORD == 0 ? 0 : words[i / PER_WORD]) | element << 16 * (i % PER_WORD);
        }
    }
}

struct F32 {
    static constexpr int ELEMENTS = 1, BYTES = 4;
    using Element = uint32_t;
    struct Run {
        uint32_t words[RUN];
    };
    static __device__ __forceinline__ void decode(const Run& r, unsigned, float (&out)[RUN]) {
#pragma unroll
        for (int i = 0; i < RUN; i++) {
            out[i] = __uint_as_float(r.words[i]);
        }
    }
};

struct F16 {
    static constexpr int ELEMENTS = 1, BYTES = 2;
    using Element = uint16_t;
    struct Run {
        uint32_t words[RUN / 2];
    };
    static __device__ __forceinline__ void decode(const Run& r, unsigned, float (&out)[RUN]) {
#pragma unroll
        for (int i = 0; i < RUN; i += 2) {
            out[i] = half_to_float(r.words[i / 2] & 0xFFFF);
            out[i + 1] = half_to_float(r.words[i / 2] >> 16);
        }
    }
};

struct BF16 {
    static constexpr int ELEMENTS = 1, BYTES = 2;
    using Element = uint16_t;
    using Run = F16::Run;
    static __device__ __forceinline__ void decode(const Run& r, unsigned, float (&out)[RUN]) {
#pragma unroll
        for (int i = 0; i < RUN; i += 2) {
            out[i] = __uint_as_float(r.words[i / 2] << 16);
            out[i + 1] = __uint_as_float(r.words[i / 2] & 0xFFFF0000u);
        }
    }
};

/** Fetches run `run` of a row of `columns` elements; what lies beyond the row decodes to 0. */
template <class FORMAT>
__device__ __forceinline__ typename FORMAT::Run load_run(const uint8_t* row, unsigned run, unsigned columns) {
    typename FORMAT::Run r{};
    if (run * RUN < columns) {
        if constexpr (FORMAT::ELEMENTS == 1) {
            load_elements<typename FORMAT::Element>(row + static_cast<int64_t>(run) * RUN * FORMAT::BYTES, columns - run * RUN, r.words);
        } else {
            constexpr unsigned RUNS = FORMAT::ELEMENTS / RUN;
            r = FORMAT::load(row + static_cast<int64_t>(run / RUNS) * FORMAT::BYTES, run % RUNS);
        }
    }
    return r;
}

/** Bytes of a row of `columns` elements. */
template <class FORMAT>
__device__ __forceinline__ int64_t row_bytes(int columns) {
    return static_cast<int64_t>(columns / FORMAT::ELEMENTS) * FORMAT::BYTES;
}
