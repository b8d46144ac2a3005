#pragma once
#include "block_values.h"
#include "head_rotation.h"

// Heads of keys and values whose elements share scales: the codes of all blocks of 32 elements, then a half for each block. For each format
//   store_block(x, codes, lane)               writes the codes of 32 elements, by a simdgroup, and returns their scale
//   sixteen(head, head_dim, block, h, x)      are 16 elements of a block, two groups of eight neighbouring ones, which only half h of it has

/** Two bytes of a head: all that is known of its alignment, unless it has a multiple of 256 elements, which makes it one of 16 bytes. */
template <typename FORMAT> struct compressed { ushort bits; };

/**
 * BLOCK_UNITS: pairs of bytes that 32 elements take, their scale included. TAIL: whether the latest positions are also kept as rotated halves. Which part of
 * eight elements of a block is group g of sixteen(h): h * HALF_PARTS + g * GROUP_PARTS.
 */
struct q8_0 { enum { BLOCK_UNITS = 17, TAIL = 0, HALF_PARTS = 2, GROUP_PARTS = 1 }; };
struct tq4 { enum { BLOCK_UNITS = 9, TAIL = 1, HALF_PARTS = 1, GROUP_PARTS = 2 }; };

/** The levels of TQ4. */
constant half TQ4_LEVELS[16] = {
    half(-127.0f), half(-100.0f), half(-79.0f), half(-62.0f), half(-47.0f), half(-32.0f), half(-19.0f), half(-6.0f),
    half(6.0f), half(19.0f), half(32.0f), half(47.0f), half(62.0f), half(79.0f), half(100.0f), half(127.0f)};

template <typename FORMAT> static inline float block_scale(device const compressed<FORMAT> * head, uint head_dim, uint block) {
    return float(as_type<half>(head[head_dim / 32 * (FORMAT::BLOCK_UNITS - 1) + block].bits));
}

static inline void sixteen(device const compressed<q8_0> * head, uint head_dim, uint block, ushort h, thread float4 * x) {
    const float scale = block_scale(head, head_dim, block);
    device const compressed<q8_0> * codes = head + 16 * block + 8 * h;
    uint4 words;
    if (head_dim % 256 == 0) {
        words = *(device const uint4 *)codes;
    } else {
        #pragma unroll
        for (ushort i = 0; i < 4; i++) {
            words[i] = word((device const ushort *)codes + 2 * i);
        }
    }
    #pragma unroll
    for (ushort i = 0; i < 4; i++) {
        x[i] = scale * float4(bytes_less(words[i] ^ 0x80808080u, half(128.0f)));
    }
}

static inline void sixteen(device const compressed<tq4> * head, uint head_dim, uint block, ushort h, thread float4 * x) {
    const float scale = block_scale(head, head_dim, block);
    device const compressed<tq4> * codes = head + 8 * block + 4 * h;
    uint2 words;
    if (head_dim % 256 == 0) {
        words = *(device const uint2 *)codes;
    } else {
        words = uint2(word((device const ushort *)codes), word((device const ushort *)codes + 2));
    }
    #pragma unroll
    for (ushort i = 0; i < 2; i++) {
        x[i] = scale * float4(levels_at(TQ4_LEVELS, words[i] & 0x0F0F0F0Fu));
        x[2 + i] = scale * float4(levels_at(TQ4_LEVELS, (words[i] >> 4) & 0x0F0F0F0Fu));
    }
}

/** The largest of 32 magnitudes; infinite where one is not a number, so that the scale shows it. */
static inline float largest_of(float x) {
    return simd_max(isnan(x) ? INFINITY : abs(x));
}

static inline half store_block(threadgroup const float * x, device compressed<q8_0> * codes, ushort lane) {
    const half scale = half(precise::divide(largest_of(x[lane]), 127.0f));
    int code = 0;
    if (scale > half(0.0f) && isfinite(scale)) {
        code = int(clamp(rint(precise::divide(x[lane], float(scale))), -127.0f, 127.0f));
    }
    ((device uchar *)codes)[lane] = uchar(code & 255);
    return scale;
}

/** The nearest level: as many as there are means of neighbouring levels, times the scale, below x. */
static inline uint tq4_code(float x, float scale) {
    uint code = 0;
    #pragma unroll
    for (ushort i = 0; i < 15; i++) {
        code += x > scale * (0.5f * (float(TQ4_LEVELS[i]) + float(TQ4_LEVELS[i + 1]))) ? 1 : 0;
    }
    return code;
}

static inline half store_block(threadgroup const float * x, device compressed<tq4> * codes, ushort lane) {
    const half scale = half(precise::divide(largest_of(x[lane]), 131.0f));
    if (lane < 16) {
        ((device uchar *)codes)[lane] = uchar(tq4_code(x[lane], float(scale)) | tq4_code(x[lane + 16], float(scale)) << 4);
    }
    return scale;
}

/**
 * Where a head goes, in its cache [slots][kv_heads * head_dim] and in the tail [tail_slots][kv_heads * head_dim], and who it is. factor of
 * walsh_hadamard.
 */
struct HeadPlace {
    uint position;
    uint head;
    uint kv_heads;
    uint head_dim;
    uint slots;
    uint tail_slots;
    float factor;
};

/**
 * Stores a head by a threadgroup of whole simdgroups. x: the head, which is rotated there where there is a tail. A thread first reads elements thread_index,
 * thread_index + threads ...: those that it has written itself need no barrier.
 */
template <typename FORMAT> static inline void store_head(threadgroup float * x, device compressed<FORMAT> * cache, device half * tail, HeadPlace place,
        ushort thread_index, ushort threads, ushort simdgroups, ushort simdgroup, ushort lane) {
    if (FORMAT::TAIL != 0) {
        for (uint i = thread_index; i < place.head_dim; i += threads) {
            x[i] = with_sign(x[i], i);
        }
        threadgroup_barrier(mem_flags::mem_threadgroup);
        walsh_hadamard(x, place.head_dim, place.factor, thread_index, threads);
        device half * in_tail = tail + (ulong(place.position % place.tail_slots) * place.kv_heads + place.head) * place.head_dim;
        for (uint i = thread_index; i < place.head_dim; i += threads) {
            in_tail[i] = half(x[i]);
        }
    }
    const uint blocks = place.head_dim / 32;
    device compressed<FORMAT> * to = cache + (ulong(place.position % place.slots) * place.kv_heads + place.head) * blocks * FORMAT::BLOCK_UNITS;
    // The lane that has an element of a block is the thread that has it above.
    for (uint block = simdgroup; block < blocks; block += simdgroups) {
        const half scale = store_block(x + 32 * block, to + block * (FORMAT::BLOCK_UNITS - 1), lane);
        if (lane == 0) {
            to[blocks * (FORMAT::BLOCK_UNITS - 1) + block].bits = as_type<ushort>(scale);
        }
    }
}
