#pragma once
#include "block_values.h"

// Block formats of 32 weights, as the file has them. A piece is 16 neighbouring weights. For each format
//   load(block, p, raw)                       reads the bytes of piece p's codes, which other pieces may share
//   codes(block, raw, p, i)                   are its codes 4 i to 4 i + 3, one in each byte
//   values(block, codes)                      what codes stand for
//   scales(block, p, scale, minimum)          weight = scale * value - minimum

struct block_q4_0 { half d; ushort quants[8]; };
struct block_q4_1 { half d; half m; uint quants[4]; };
struct block_q5_0 { half d; ushort fifth[2]; ushort quants[8]; };
struct block_q5_1 { half d; half m; uint fifth; uint quants[4]; };
struct block_q8_0 { half d; ushort quants[16]; };
struct block_iq4_nl { half d; ushort quants[8]; };
struct block_mxfp4 { uchar exponent; uchar quants[16]; };
static_assert(sizeof(block_q4_0) == 18, "bytes of a Q4_0 block");
static_assert(sizeof(block_q4_1) == 20, "bytes of a Q4_1 block");
static_assert(sizeof(block_q5_0) == 22, "bytes of a Q5_0 block");
static_assert(sizeof(block_q5_1) == 24, "bytes of a Q5_1 block");
static_assert(sizeof(block_q8_0) == 34, "bytes of a Q8_0 block");
static_assert(sizeof(block_iq4_nl) == 18, "bytes of an IQ4_NL block");
static_assert(sizeof(block_mxfp4) == 17, "bytes of an MXFP4 block");

/** The levels of IQ4_NL and IQ4_XS. */
constant half IQ4_LEVELS[16] = {
    half(-127.0f), half(-104.0f), half(-83.0f), half(-65.0f), half(-49.0f), half(-35.0f), half(-22.0f), half(-10.0f),
    half(1.0f), half(13.0f), half(25.0f), half(38.0f), half(53.0f), half(69.0f), half(89.0f), half(113.0f)};
/** Twice the E2M1 values, so that all are whole; the scale is halved in turn. */
constant half E2M1_LEVELS[16] = {
    half(0.0f), half(1.0f), half(2.0f), half(3.0f), half(4.0f), half(6.0f), half(8.0f), half(12.0f),
    half(-0.0f), half(-1.0f), half(-2.0f), half(-3.0f), half(-4.0f), half(-6.0f), half(-8.0f), half(-12.0f)};

static inline half4 values(device const block_q4_0 *, uint codes) { return bytes_less(codes, half(8.0f)); }
static inline half4 values(device const block_q4_1 *, uint codes) { return bytes_less(codes, half(0.0f)); }
static inline half4 values(device const block_q5_0 *, uint codes) { return bytes_less(codes, half(16.0f)); }
static inline half4 values(device const block_q5_1 *, uint codes) { return bytes_less(codes, half(0.0f)); }
static inline half4 values(device const block_q8_0 *, uint codes) { return bytes_less(codes, half(128.0f)); }
static inline half4 values(device const block_iq4_nl *, uint codes) { return levels_at(IQ4_LEVELS, codes); }
static inline half4 values(device const block_mxfp4 *, uint codes) { return levels_at(E2M1_LEVELS, codes); }

/** Halves of 16 bytes of nibbles, and what formats keep apart from these. */
struct raw_codes { uint quants[4]; uint upper[4]; };

static inline void load_words(device const ushort * from, thread uint * to) {
    #pragma unroll
    for (ushort i = 0; i < 4; i++) {
        to[i] = word(from + 2 * i);
    }
}

static inline void load_words(device const uint * from, thread uint * to) {
    #pragma unroll
    for (ushort i = 0; i < 4; i++) {
        to[i] = from[i];
    }
}

static inline uint nibbles(uint bytes, ushort upper) {
    return (bytes >> (4 * upper)) & 0x0F0F0F0Fu;
}

static inline void load(device const block_q4_0 * b, ushort, thread raw_codes & raw) { load_words(b->quants, raw.quants); }
static inline void load(device const block_q4_1 * b, ushort, thread raw_codes & raw) { load_words(b->quants, raw.quants); }
static inline void load(device const block_iq4_nl * b, ushort, thread raw_codes & raw) { load_words(b->quants, raw.quants); }
static inline void load(device const block_q8_0 * b, ushort p, thread raw_codes & raw) { load_words(b->quants + 8 * p, raw.quants); }

static inline void load(device const block_q5_0 * b, ushort, thread raw_codes & raw) {
    load_words(b->quants, raw.quants);
    raw.upper[0] = word(b->fifth);
}

static inline void load(device const block_q5_1 * b, ushort, thread raw_codes & raw) {
    load_words(b->quants, raw.quants);
    raw.upper[0] = b->fifth;
}

static inline void load(device const block_mxfp4 * b, ushort, thread raw_codes & raw) {
    #pragma unroll
    for (ushort i = 0; i < 4; i++) {
        raw.quants[i] = word(b->quants + 4 * i);
    }
}

static inline uint codes(device const block_q4_0 *, thread const raw_codes & raw, ushort p, ushort i) { return nibbles(raw.quants[i], p); }
static inline uint codes(device const block_q4_1 *, thread const raw_codes & raw, ushort p, ushort i) { return nibbles(raw.quants[i], p); }
static inline uint codes(device const block_iq4_nl *, thread const raw_codes & raw, ushort p, ushort i) { return nibbles(raw.quants[i], p); }
static inline uint codes(device const block_mxfp4 *, thread const raw_codes & raw, ushort p, ushort i) { return nibbles(raw.quants[i], p); }

static inline uint codes(device const block_q5_0 *, thread const raw_codes & raw, ushort p, ushort i) {
    return nibbles(raw.quants[i], p) | fifth_bits(raw.upper[0] >> (16 * p + 4 * i));
}

static inline uint codes(device const block_q5_1 *, thread const raw_codes & raw, ushort p, ushort i) {
    return nibbles(raw.quants[i], p) | fifth_bits(raw.upper[0] >> (16 * p + 4 * i));
}

/** Signed bytes, moved to where they are not. */
static inline uint codes(device const block_q8_0 *, thread const raw_codes & raw, ushort, ushort i) { return raw.quants[i] ^ 0x80808080u; }

static inline void scales(device const block_q4_0 * b, ushort, thread float & scale, thread float & minimum) {
    scale = float(b->d);
    minimum = 0.0f;
}

static inline void scales(device const block_q4_1 * b, ushort, thread float & scale, thread float & minimum) {
    scale = float(b->d);
    minimum = -float(b->m);
}

static inline void scales(device const block_q5_0 * b, ushort, thread float & scale, thread float & minimum) {
    scale = float(b->d);
    minimum = 0.0f;
}

static inline void scales(device const block_q5_1 * b, ushort, thread float & scale, thread float & minimum) {
    scale = float(b->d);
    minimum = -float(b->m);
}

static inline void scales(device const block_q8_0 * b, ushort, thread float & scale, thread float & minimum) {
    scale = float(b->d);
    minimum = 0.0f;
}

static inline void scales(device const block_iq4_nl * b, ushort, thread float & scale, thread float & minimum) {
    scale = float(b->d);
    minimum = 0.0f;
}

static inline void scales(device const block_mxfp4 * b, ushort, thread float & scale, thread float & minimum) {
    // 2^(exponent - 128); the two least are subnormal, which the GPU takes for zero.
    const uint exponent = b->exponent;
    scale = as_type<float>(exponent < 2 ? 0x00200000u << exponent : (exponent - 1) << 23);
    minimum = 0.0f;
}
