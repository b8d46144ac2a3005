#pragma once
#include "block_formats.h"
#include "expert_tile.h"

// out[r][n] = sum_k in[r][k] * weight[n][k] for many rows r. A threadgroup makes 64 outputs of TOKENS rows, 32 columns at a time: weights are
// decoded once per threadgroup into threadgroup memory. Activations stay floats, which have room for the large products of a feed-forward block.
// Both tiles are stored as 8x8 parts, row by row, so that loading one reads neighbouring memory. Columns are a multiple of 32.

constant constexpr uint OUTPUT_TILE = 64;
constant constexpr uint COLUMN_TILE = 32;

/** Strides in floats. */
struct MatmulArguments {
    uint outputs;
    uint columns;
    uint rows;
    uint in_stride;
    uint out_stride;
};
static_assert(sizeof(MatmulArguments) == 20, "as in MetalMatmul");

/** The same, for rows that are slots of routed experts. expert_rows: rows of one expert's matrix in the tensor, which may hold gate and up. */
struct ExpertMatmulArguments {
    uint outputs;
    uint columns;
    uint expert_rows;
    uint slots_per_input_row;
    uint in_stride;
    uint out_stride;
};
static_assert(sizeof(ExpertMatmulArguments) == 24, "as in MetalExperts");

/** Rows first to first + count - 1. */
struct consecutive_rows { uint first; uint count; };
/** The rows of some slots: slot s reads row s / slots_per_input_row and writes row s. */
struct slot_rows { device const int * slots; uint count; uint slots_per_input_row; };

static inline uint input_row(thread const consecutive_rows & rows, uint i) { return rows.first + i; }
static inline uint output_row(thread const consecutive_rows & rows, uint i) { return rows.first + i; }
static inline bool neighbours(thread const consecutive_rows &) { return true; }
static inline uint input_row(thread const slot_rows & rows, uint i) { return uint(rows.slots[i]) / rows.slots_per_input_row; }
static inline uint output_row(thread const slot_rows & rows, uint i) { return uint(rows.slots[i]); }
static inline bool neighbours(thread const slot_rows &) { return false; }

/** Floats of threadgroup memory: activations TOKENS x 32, 64 for the parts of each simdgroup that are not whole, weights 64 x 32. */
template <typename BLOCK> constexpr uint matmul_floats(uint tokens) {
    return tokens * COLUMN_TILE + 4 * 64 + OUTPUT_TILE * COLUMN_TILE * sizeof(typename block_format<BLOCK>::tile) / sizeof(float);
}

/** Element (row, column) of a tile with PARTS parts of 8 rows each. */
template <uint PARTS> static inline uint in_tile(uint row, uint column) {
    return (column / 8 * PARTS + row / 8) * 64 + row % 8 * 8 + column % 8;
}

/** Outputs first_output to first_output + 63 of at most TOKENS rows, by 128 threads. */
template <uint TOKENS, typename BLOCK, typename ROWS> static inline void matmul(device const BLOCK * weights, uint outputs, uint columns,
        device const float * in, uint in_stride, thread const ROWS & rows, device float * out, uint out_stride, uint first_output,
        threadgroup float * memory, ushort thread_index, ushort simdgroup, ushort lane) {
    typedef typename block_format<BLOCK>::tile tile;
    threadgroup float * activation_tile = memory;
    threadgroup float * part = activation_tile + TOKENS * COLUMN_TILE + 64 * simdgroup;
    threadgroup tile * weight_tile = (threadgroup tile *)(activation_tile + TOKENS * COLUMN_TILE + 4 * 64);
    const uint blocks = columns / block_format<BLOCK>::WEIGHTS;
    const uint my_output = min(first_output + thread_index / 2, outputs - 1);
    device const BLOCK * my_row = weights + ulong(my_output) * blocks;

    // Each simdgroup makes 32 outputs of half of the rows.
    const uint token_parts = TOKENS / 16;
    const uint part_output = simdgroup % 2 * 4;
    const uint part_token = simdgroup / 2 * token_parts;
    simdgroup_float8x8 sums[TOKENS / 16][4];
    #pragma unroll
    for (uint t = 0; t < token_parts; t++) {
        #pragma unroll
        for (uint n = 0; n < 4; n++) {
            sums[t][n] = make_filled_simdgroup_matrix<float, 8>(0.0f);
        }
    }
    #pragma unroll
    for (uint column = 0; column < columns; column += COLUMN_TILE) {
        float4 decoded[4];
        weights_16(my_row, column / 16 + thread_index % 2, decoded);
        #pragma unroll
        for (uint i = 0; i < 4; i++) {
            const uint at = in_tile<OUTPUT_TILE / 8>(thread_index / 2, 16 * (thread_index % 2) + 4 * i);
            #pragma unroll
            for (uint j = 0; j < 4; j++) {
                weight_tile[at + j] = tile(decoded[i][j]);
            }
        }
        for (uint i = thread_index; i < TOKENS * COLUMN_TILE / 4; i += 128) {
            const uint token = i / 8;
            const uint at = in_tile<TOKENS / 8>(token, 4 * (i % 8));
            *(threadgroup float4 *)(activation_tile + at) = token < rows.count
                    ? *(device const float4 *)(in + ulong(input_row(rows, token)) * in_stride + column + 4 * (i % 8))
                    : float4(0.0f);
        }
        threadgroup_barrier(mem_flags::mem_threadgroup);
        #pragma unroll
        for (uint k = 0; k < COLUMN_TILE / 8; k++) {
            simdgroup_matrix<tile, 8, 8> w[4];
            #pragma unroll
            for (uint n = 0; n < 4; n++) {
                simdgroup_load(w[n], weight_tile + (k * (OUTPUT_TILE / 8) + part_output + n) * 64, 8, ulong2(0), true);
            }
            #pragma unroll
            for (uint t = 0; t < token_parts; t++) {
                simdgroup_float8x8 x;
                simdgroup_load(x, activation_tile + (k * (TOKENS / 8) + part_token + t) * 64, 8);
                #pragma unroll
                for (uint n = 0; n < 4; n++) {
                    simdgroup_multiply_accumulate(sums[t][n], x, w[n], sums[t][n]);
                }
            }
        }
        threadgroup_barrier(mem_flags::mem_threadgroup);
    }

    #pragma unroll
    for (uint t = 0; t < token_parts; t++) {
        #pragma unroll
        for (uint n = 0; n < 4; n++) {
            const uint token = 8 * (part_token + t);
            const uint output = first_output + 8 * (part_output + n);
            if (neighbours(rows) && token + 8 <= rows.count && output + 8 <= outputs) {
                simdgroup_store(sums[t][n], out + ulong(output_row(rows, token)) * out_stride + output, out_stride);
            } else {
                simdgroup_store(sums[t][n], part, 8);
                simdgroup_barrier(mem_flags::mem_threadgroup);
                for (uint i = lane; i < 64; i += 32) {
                    if (token + i / 8 < rows.count && output + i % 8 < outputs) {
                        out[ulong(output_row(rows, token + i / 8)) * out_stride + output + i % 8] = part[i];
                    }
                }
                simdgroup_barrier(mem_flags::mem_threadgroup);
            }
        }
    }
}

/** Products of a matrix and rows of activations. Grid (ceil(outputs / 64), ceil(rows / TOKENS)), 128 threads. */
#define MATMUL_KERNEL(TYPE, TOKENS) \
    kernel void matmul_##TYPE##_##TOKENS(device const block_##TYPE * weights [[buffer(0)]], device const float * in [[buffer(1)]], \
            device float * out [[buffer(2)]], constant MatmulArguments & args [[buffer(3)]], uint2 group [[threadgroup_position_in_grid]], \
            ushort thread_index [[thread_index_in_threadgroup]], ushort simdgroup [[simdgroup_index_in_threadgroup]], \
            ushort lane [[thread_index_in_simdgroup]]) { \
        threadgroup float memory[matmul_floats<block_##TYPE>(TOKENS)]; \
        const consecutive_rows rows = {group.y * TOKENS, min(args.rows - group.y * TOKENS, uint(TOKENS))}; \
        matmul<TOKENS>(weights, args.outputs, args.columns, in, args.in_stride, rows, out, args.out_stride, group.x * OUTPUT_TILE, memory, \
                thread_index, simdgroup, lane); \
    }

/** For 17 rows and more, for 16 at most. */
#define MATMUL_KERNELS(TYPE) MATMUL_KERNEL(TYPE, 64) MATMUL_KERNEL(TYPE, 32) MATMUL_KERNEL(TYPE, 16)

/**
 * Products of rows and the matrices of the experts they are routed to; tiles {expert, first place in sorted_slots, slots, 0} come from group_slots.
 * Grid (ceil(outputs / 64), greatest number of tiles), 128 threads.
 */
#define EXPERT_MATMUL_KERNEL(TYPE) \
    kernel void expert_matmul_##TYPE(device const block_##TYPE * weights [[buffer(0)]], device const float * in [[buffer(1)]], \
            device float * out [[buffer(2)]], constant ExpertMatmulArguments & args [[buffer(3)]], device const int * sorted_slots [[buffer(4)]], \
            device const int4 * tiles [[buffer(5)]], device const int * tile_count [[buffer(6)]], uint2 group [[threadgroup_position_in_grid]], \
            ushort thread_index [[thread_index_in_threadgroup]], ushort simdgroup [[simdgroup_index_in_threadgroup]], \
            ushort lane [[thread_index_in_simdgroup]]) { \
        threadgroup float memory[matmul_floats<block_##TYPE>(EXPERT_TILE)]; \
        if (group.y >= uint(tile_count[0])) { \
            return; \
        } \
        const int4 tile = tiles[group.y]; \
        const slot_rows rows = {sorted_slots + tile.y, uint(tile.z), args.slots_per_input_row}; \
        device const block_##TYPE * matrix = weights + ulong(tile.x) * args.expert_rows * (args.columns / block_format<block_##TYPE>::WEIGHTS); \
        matmul<EXPERT_TILE>(matrix, args.outputs, args.columns, in, args.in_stride, rows, out, args.out_stride, group.x * OUTPUT_TILE, memory, \
                thread_index, simdgroup, lane); \
    }
