#pragma once
#include "blocks_of_32.h"

// Block formats of 256 weights, as the file has them: sixteen pieces, with the functions that blocks_of_32.h
// names.

struct block_q2_k { uchar scales[16]; uint quants[16]; half2 d_dmin; };
struct block_q3_k { ushort third[16]; ushort quants[32]; uchar scales[12]; half d; };
struct block_q4_k { half2 d_dmin; uint scales[3]; uint quants[32]; };
struct block_q5_k { half2 d_dmin; uint scales[3]; uint fifth[8]; uint quants[32]; };
struct block_q6_k { ushort nibbles[64]; ushort pairs[32]; char scales[16]; half d; };
struct block_iq4_xs { half d; ushort scale_pairs; uchar scale_nibbles[4]; uint quants[32]; };
static_assert(sizeof(block_q2_k) == 84, "bytes of a Q2_K block");
static_assert(sizeof(block_q3_k) == 110, "bytes of a Q3_K block");
static_assert(sizeof(block_q4_k) == 144, "bytes of a Q4_K block");
static_assert(sizeof(block_q5_k) == 176, "bytes of a Q5_K block");
static_assert(sizeof(block_q6_k) == 210, "bytes of a Q6_K block");
static_assert(sizeof(block_iq4_xs) == 136, "bytes of an IQ4_XS block");

static inline half4 values(device const block_q2_k *, uint codes) { return bytes_less(codes, half(0.0f)); }
static inline half4 values(device const block_q3_k *, uint codes) { return bytes_less(codes, half(4.0f)); }
static inline half4 values(device const block_q4_k *, uint codes) { return bytes_less(codes, half(0.0f)); }
static inline half4 values(device const block_q5_k *, uint codes) { return bytes_less(codes, half(0.0f)); }
static inline half4 values(device const block_q6_k *, uint codes) { return bytes_less(codes, half(32.0f)); }
static inline half4 values(device const block_iq4_xs *, uint codes) { return levels_at(IQ4_LEVELS, codes); }

/** Scale and minimum of group 0 to 7, 6 bits each, packed in 12 bytes as Q4_K and Q5_K have them. */
static inline void six_bit_pair(device const uint * packed, half2 d_dmin, ushort group, thread float & scale, thread float & minimum) {
    const uint words[3] = {packed[0], packed[1], packed[2]};
    const ushort shift = 8 * (group % 4);
    const uint low = words[2] >> shift;
    // The first four groups have their bits together; of the others the upper two are in the upper bits of the first ones.
    const uint six_bit_scale = group < 4 ? (words[0] >> shift) & 63 : (low & 15) | ((words[0] >> (shift + 2)) & 48);
    const uint six_bit_minimum = group < 4 ? (words[1] >> shift) & 63 : ((low >> 4) & 15) | ((words[1] >> (shift + 2)) & 48);
    scale = float(d_dmin.x) * float(six_bit_scale);
    minimum = float(d_dmin.y) * float(six_bit_minimum);
}

static inline void load(device const block_q2_k * b, ushort p, thread raw_codes & raw) {
    load_words(b->quants + 8 * (p / 8) + 4 * (p % 2), raw.quants);
}

static inline void load(device const block_q3_k * b, ushort p, thread raw_codes & raw) {
    load_words(b->quants + 16 * (p / 8) + 8 * (p % 2), raw.quants);
    load_words(b->third + 8 * (p % 2), raw.upper);
}

static inline void load(device const block_q4_k * b, ushort p, thread raw_codes & raw) {
    load_words(b->quants + 8 * (p / 4) + 4 * (p % 2), raw.quants);
}

static inline void load(device const block_q5_k * b, ushort p, thread raw_codes & raw) {
    load_words(b->quants + 8 * (p / 4) + 4 * (p % 2), raw.quants);
    load_words(b->fifth + 4 * (p % 2), raw.upper);
}

// Each half of the block has four quarters of 32: two in the low nibbles of 64 bytes, two in the high ones.
static inline void load(device const block_q6_k * b, ushort p, thread raw_codes & raw) {
    load_words(b->nibbles + 32 * (p / 8) + 8 * (p % 4), raw.quants);
    load_words(b->pairs + 16 * (p / 8) + 8 * (p % 2), raw.upper);
}

static inline void load(device const block_iq4_xs * b, ushort p, thread raw_codes & raw) {
    load_words(b->quants + 4 * (p / 2), raw.quants);
}

static inline uint codes(device const block_q2_k *, thread const raw_codes & raw, ushort p, ushort i) {
    return (raw.quants[i] >> (p & 6)) & 0x03030303u;
}

static inline uint codes(device const block_q3_k *, thread const raw_codes & raw, ushort p, ushort i) {
    return ((raw.quants[i] >> (p & 6)) & 0x03030303u) | ((raw.upper[i] >> (p / 2)) & 0x01010101u) << 2;
}

static inline uint codes(device const block_q4_k *, thread const raw_codes & raw, ushort p, ushort i) {
    return nibbles(raw.quants[i], p / 2 % 2);
}

static inline uint codes(device const block_q5_k *, thread const raw_codes & raw, ushort p, ushort i) {
    return nibbles(raw.quants[i], p / 2 % 2) | ((raw.upper[i] >> (p / 2)) & 0x01010101u) << 4;
}

static inline uint codes(device const block_q6_k *, thread const raw_codes & raw, ushort p, ushort i) {
    return nibbles(raw.quants[i], p / 4 % 2) | ((raw.upper[i] >> (p & 6)) & 0x03030303u) << 4;
}

static inline uint codes(device const block_iq4_xs *, thread const raw_codes & raw, ushort p, ushort i) {
    return nibbles(raw.quants[i], p % 2);
}

static inline void scales(device const block_q2_k * b, ushort p, thread float & scale, thread float & minimum) {
    const half2 d_dmin = b->d_dmin;
    const uint both = b->scales[p];
    scale = float(d_dmin.x) * float(both & 15);
    minimum = float(d_dmin.y) * float(both >> 4);
}

static inline void scales(device const block_q3_k * b, ushort p, thread float & scale, thread float & minimum) {
    const uint low = uint(b->scales[p % 8]) >> (4 * (p / 8));
    const uint high = uint(b->scales[8 + p % 4]) >> (2 * (p / 4));
    scale = float(b->d) * float(int((low & 15) | (high & 3) << 4) - 32);
    minimum = 0.0f;
}

static inline void scales(device const block_q4_k * b, ushort p, thread float & scale, thread float & minimum) {
    six_bit_pair(b->scales, b->d_dmin, p / 2, scale, minimum);
}

static inline void scales(device const block_q5_k * b, ushort p, thread float & scale, thread float & minimum) {
    six_bit_pair(b->scales, b->d_dmin, p / 2, scale, minimum);
}

static inline void scales(device const block_q6_k * b, ushort p, thread float & scale, thread float & minimum) {
    scale = float(b->d) * float(b->scales[p]);
    minimum = 0.0f;
}

static inline void scales(device const block_iq4_xs * b, ushort p, thread float & scale, thread float & minimum) {
    const ushort group = p / 2;
    const uint low = uint(b->scale_nibbles[group / 2]) >> (4 * (group % 2));
    const uint high = uint(b->scale_pairs) >> (2 * group);
    scale = float(b->d) * float(int((low & 15) | (high & 3) << 4) - 32);
    minimum = 0.0f;
}
