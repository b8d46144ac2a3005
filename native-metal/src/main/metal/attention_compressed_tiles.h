#pragma once
#include "attention_tiles.h"
#include "compressed_heads.h"

// As in attention_tiles.h, of keys and values that a simdgroup makes floats of in its threadgroup memory, 512 at a time, each as often as it is read.

template <typename FORMAT> struct cache_format<compressed<FORMAT>> { enum { BLOCK_UNITS = FORMAT::BLOCK_UNITS, TILE_FLOATS = 512, TAIL = FORMAT::TAIL }; };

/** Puts half h of a block of a head at row of the four 8x8 parts of the block. */
template <typename FORMAT> static inline void decode_to(threadgroup float * parts, uint row, device const compressed<FORMAT> * head, uint block, ushort h) {
    float4 x[4];
    sixteen(head, HEAD_DIM, block, h, x);
    #pragma unroll
    for (ushort group = 0; group < 2; group++) {
        threadgroup float4 * to = (threadgroup float4 *)(parts + (h * FORMAT::HALF_PARTS + group * FORMAT::GROUP_PARTS) * 64 + row * 8);
        to[0] = x[2 * group];
        to[1] = x[2 * group + 1];
    }
}

/** Eight keys, 64 elements of each at a time: half a block by each lane. */
template <uint TILES, typename QUERY, typename FORMAT> static inline void add_key_products(threadgroup const QUERY * tile_queries,
        device const compressed<FORMAT> * keys, ulong slot_stride, threadgroup float * tile, ushort lane, thread simdgroup_float8x8 * products) {
    const uint head_parts = HEAD_DIM / 8;
    const ushort key = lane / 4;
    const ushort in_chunk = lane / 2 % 2;
    for (uint first = 0; first < head_parts; first += 8) {
        const uint block = first / 4 + in_chunk;
        if (HEAD_DIM % 64 == 0 || block < HEAD_DIM / 32) {
            decode_to(tile + in_chunk * 256, key, keys + key * slot_stride, block, lane % 2);
        }
        simdgroup_barrier(mem_flags::mem_threadgroup);
        #pragma unroll
        for (uint d = 0; d < 8; d++) {
            if (HEAD_DIM % 64 == 0 || first + d < head_parts) {
                simdgroup_float8x8 k;
                simdgroup_load(k, tile + d * 64, 8, ulong2(0), true);
                #pragma unroll
                for (uint t = 0; t < TILES; t++) {
                    simdgroup_matrix<QUERY, 8, 8> q;
                    simdgroup_load(q, tile_queries + (t * head_parts + first + d) * 64, 8);
                    simdgroup_multiply_accumulate(products[t], q, k, products[t]);
                }
            }
        }
        simdgroup_barrier(mem_flags::mem_threadgroup);
    }
}

/** Sixteen values at a time, a block of each: half of it by each lane. */
template <uint TILES, uint PARTS, typename FORMAT> static inline void add_values(threadgroup const float * block_weights,
        device const compressed<FORMAT> * values, ulong slot_stride, threadgroup float * tile, ushort simdgroup, ushort lane,
        thread simdgroup_float8x8 * attended) {
    const ushort value = lane / 2;
    for (uint first = 0; first < KEY_BLOCK; first += 16) {
        simdgroup_float8x8 weights[TILES * 2];
        #pragma unroll
        for (uint i = 0; i < TILES * 2; i++) {
            simdgroup_load(weights[i], block_weights + (i / 2 * 4 + first / 8 + i % 2) * 64, 8);
        }
        #pragma unroll
        for (uint f = 0; f < parts_of_simdgroup(); f += 4) {
            if (has_part(f, simdgroup)) {
                decode_to(tile + value / 8 * 256, value % 8, values + (first + value) * slot_stride, part_of(f, simdgroup) / 4, lane % 2);
                simdgroup_barrier(mem_flags::mem_threadgroup);
                #pragma unroll
                for (uint part = 0; part < 8; part++) {
                    simdgroup_float8x8 v;
                    simdgroup_load(v, tile + part * 64, 8);
                    #pragma unroll
                    for (uint t = 0; t < TILES; t++) {
                        const uint to = t * PARTS + f + part % 4;
                        simdgroup_multiply_accumulate(attended[to], weights[t * 2 + part / 4], v, attended[to]);
                    }
                }
                simdgroup_barrier(mem_flags::mem_threadgroup);
            }
        }
    }
}
