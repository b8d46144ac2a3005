#pragma once
#include "blocks_of_256.h"

// Every storage type as blocks: block_<type>, its constants in block_format<block_<type>>, and 16 neighbouring weights of a row by weights_16.

struct block_f32 { float weights[32]; };
struct block_f16 { half weights[32]; };
struct block_bf16 { ushort weights[32]; };

/**
 * WEIGHTS of a block. Of a lane's two pieces in a mat-vec the second is PIECE_DISTANCE after the first: the two that share bytes. tile is the type of
 * decoded weights in a mat-mat: half where the scales are halves as well.
 */
template <typename BLOCK> struct block_format { enum { WEIGHTS = 32, PIECE_DISTANCE = 1 }; typedef half tile; };
template <> struct block_format<block_mxfp4> { enum { WEIGHTS = 32, PIECE_DISTANCE = 1 }; typedef float tile; };
template <> struct block_format<block_f32> { enum { WEIGHTS = 32, PIECE_DISTANCE = 1 }; typedef float tile; };
template <> struct block_format<block_bf16> { enum { WEIGHTS = 32, PIECE_DISTANCE = 1 }; typedef float tile; };
template <> struct block_format<block_q2_k> { enum { WEIGHTS = 256, PIECE_DISTANCE = 4 }; typedef half tile; };
template <> struct block_format<block_q3_k> { enum { WEIGHTS = 256, PIECE_DISTANCE = 4 }; typedef half tile; };
template <> struct block_format<block_q4_k> { enum { WEIGHTS = 256, PIECE_DISTANCE = 2 }; typedef half tile; };
template <> struct block_format<block_q5_k> { enum { WEIGHTS = 256, PIECE_DISTANCE = 2 }; typedef half tile; };
template <> struct block_format<block_q6_k> { enum { WEIGHTS = 256, PIECE_DISTANCE = 4 }; typedef half tile; };
template <> struct block_format<block_iq4_xs> { enum { WEIGHTS = 256, PIECE_DISTANCE = 1 }; typedef half tile; };

/** Whether a format has minima; without fast math a compiler may not drop products with a minimum of zero. */
template <typename BLOCK> struct has_minimum { enum { VALUE = 0 }; };
template <> struct has_minimum<block_q4_1> { enum { VALUE = 1 }; };
template <> struct has_minimum<block_q5_1> { enum { VALUE = 1 }; };
template <> struct has_minimum<block_q2_k> { enum { VALUE = 1 }; };
template <> struct has_minimum<block_q4_k> { enum { VALUE = 1 }; };
template <> struct has_minimum<block_q5_k> { enum { VALUE = 1 }; };

static inline float4 float_weights(device const block_f32 * b, ushort first) {
    device const float * w = b->weights + first;
    return float4(w[0], w[1], w[2], w[3]);
}

static inline float4 float_weights(device const block_f16 * b, ushort first) {
    device const half * w = b->weights + first;
    return float4(float(w[0]), float(w[1]), float(w[2]), float(w[3]));
}

static inline float4 float_weights(device const block_bf16 * b, ushort first) {
    device const ushort * w = b->weights + first;
    return as_type<float4>(uint4(w[0], w[1], w[2], w[3]) << 16);
}

template <typename BLOCK> static inline void float_weights_16(device const BLOCK * row, uint p, thread float4 * weights) {
    #pragma unroll
    for (ushort i = 0; i < 4; i++) {
        weights[i] = float_weights(row + p / 2, 16 * (p % 2) + 4 * i);
    }
}

/** Weights 16 p to 16 p + 15 of a row. */
template <typename BLOCK> static inline void weights_16(device const BLOCK * row, uint p, thread float4 * weights) {
    const uint pieces = block_format<BLOCK>::WEIGHTS / 16;
    device const BLOCK * b = row + p / pieces;
    const ushort in_block = ushort(p % pieces);
    raw_codes raw;
    load(b, in_block, raw);
    float scale;
    float minimum;
    scales(b, in_block, scale, minimum);
    #pragma unroll
    for (ushort i = 0; i < 4; i++) {
        weights[i] = scale * float4(values(b, codes(b, raw, in_block, i))) - minimum;
    }
}

static inline void weights_16(device const block_f32 * row, uint p, thread float4 * weights) {
    float_weights_16(row, p, weights);
}

static inline void weights_16(device const block_f16 * row, uint p, thread float4 * weights) {
    float_weights_16(row, p, weights);
}

static inline void weights_16(device const block_bf16 * row, uint p, thread float4 * weights) {
    float_weights_16(row, p, weights);
}
