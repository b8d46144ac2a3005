#pragma once
#include "blocks_of_32.h"

// Block formats of 256 weights, as the file has them: sixteen pieces, see blocks_of_32.h.

struct block_q2_k { uchar scales[16]; uint quants[16]; half d; half dmin; };
struct block_q3_k { ushort third[16]; ushort quants[32]; uchar scales[12]; half d; };
struct block_q4_k { half d; half dmin; uchar scales[12]; uint quants[32]; };
struct block_q5_k { half d; half dmin; uchar scales[12]; uint fifth[8]; uint quants[32]; };
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
static inline ushort2 six_bit_pair(device const uchar * packed, ushort group) {
    if (group < 4) {
        return ushort2(packed[group] & 63, packed[group + 4] & 63);
    }
    const ushort low = packed[group + 4];
    return ushort2((low & 15) | (packed[group - 4] >> 6) << 4, low >> 4 | (packed[group] >> 6) << 4);
}

static inline void piece(device const block_q2_k * b, ushort p, thread uint * codes, thread float & scale, thread float & minimum) {
    device const uint * quants = b->quants + 8 * (p / 8) + 4 * (p % 2);
    const ushort shift = 2 * (p % 8 / 2);
    #pragma unroll
    for (ushort i = 0; i < 4; i++) {
        codes[i] = (quants[i] >> shift) & 0x03030303u;
    }
    const ushort both = b->scales[p];
    scale = float(b->d) * float(both & 15);
    minimum = float(b->dmin) * float(both >> 4);
}

static inline void piece(device const block_q3_k * b, ushort p, thread uint * codes, thread float & scale, thread float & minimum) {
    device const ushort * quants = b->quants + 16 * (p / 8) + 8 * (p % 2);
    device const ushort * third = b->third + 8 * (p % 2);
    const ushort shift = 2 * (p % 8 / 2);
    #pragma unroll
    for (ushort i = 0; i < 4; i++) {
        codes[i] = ((word(quants + 2 * i) >> shift) & 0x03030303u) | ((word(third + 2 * i) >> (p / 2)) & 0x01010101u) << 2;
    }
    const ushort low = p < 8 ? b->scales[p] & 15 : b->scales[p - 8] >> 4;
    const ushort high = (b->scales[8 + p % 4] >> (2 * (p / 4))) & 3;
    scale = float(b->d) * float(int(low | high << 4) - 32);
    minimum = 0.0f;
}

static inline void piece(device const block_q4_k * b, ushort p, thread uint * codes, thread float & scale, thread float & minimum) {
    device const uint * quants = b->quants + 8 * (p / 4) + 4 * (p % 2);
    const ushort shift = 4 * (p / 2 % 2);
    #pragma unroll
    for (ushort i = 0; i < 4; i++) {
        codes[i] = (quants[i] >> shift) & 0x0F0F0F0Fu;
    }
    const ushort2 both = six_bit_pair(b->scales, p / 2);
    scale = float(b->d) * float(both.x);
    minimum = float(b->dmin) * float(both.y);
}

static inline void piece(device const block_q5_k * b, ushort p, thread uint * codes, thread float & scale, thread float & minimum) {
    device const uint * quants = b->quants + 8 * (p / 4) + 4 * (p % 2);
    device const uint * fifth = b->fifth + 4 * (p % 2);
    const ushort shift = 4 * (p / 2 % 2);
    #pragma unroll
    for (ushort i = 0; i < 4; i++) {
        codes[i] = ((quants[i] >> shift) & 0x0F0F0F0Fu) | ((fifth[i] >> (p / 2)) & 0x01010101u) << 4;
    }
    const ushort2 both = six_bit_pair(b->scales, p / 2);
    scale = float(b->d) * float(both.x);
    minimum = float(b->dmin) * float(both.y);
}

static inline void piece(device const block_q6_k * b, ushort p, thread uint * codes, thread float & scale, thread float & minimum) {
    // Each half of the block has four quarters of 32: two in the low nibbles of 64 bytes, two in the high ones.
    const ushort quarter = p % 8 / 2;
    device const ushort * nibbles = b->nibbles + 32 * (p / 8) + 16 * (quarter % 2) + 8 * (p % 2);
    device const ushort * pairs = b->pairs + 16 * (p / 8) + 8 * (p % 2);
    #pragma unroll
    for (ushort i = 0; i < 4; i++) {
        codes[i] = ((word(nibbles + 2 * i) >> (4 * (quarter / 2))) & 0x0F0F0F0Fu) | ((word(pairs + 2 * i) >> (2 * quarter)) & 0x03030303u) << 4;
    }
    scale = float(b->d) * float(b->scales[p]);
    minimum = 0.0f;
}

static inline void piece(device const block_iq4_xs * b, ushort p, thread uint * codes, thread float & scale, thread float & minimum) {
    device const uint * quants = b->quants + 4 * (p / 2);
    #pragma unroll
    for (ushort i = 0; i < 4; i++) {
        codes[i] = (quants[i] >> (4 * (p % 2))) & 0x0F0F0F0Fu;
    }
    const ushort group = p / 2;
    const ushort low = (b->scale_nibbles[group / 2] >> (4 * (group % 2))) & 15;
    const ushort high = (b->scale_pairs >> (2 * group)) & 3;
    scale = float(b->d) * float(int(low | high << 4) - 32);
    minimum = 0.0f;
}
