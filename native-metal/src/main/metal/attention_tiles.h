#pragma once
#include <metal_stdlib>
using namespace metal;

// Products of a tile of entries with keys, and of their weights with values: of plain elements here, of compressed ones in attention_compressed_tiles.h.

/** Elements of a head, a multiple of 8, of 32 where they share scales. */
constant uint HEAD_DIM [[function_constant(0)]];

constant constexpr uint KEY_BLOCK = 32;

/**
 * What a cache consists of. BLOCK_UNITS: units for 32 elements. TILE_FLOATS: threadgroup memory for each simdgroup. TAIL: whether the latest positions are
 * read from a tail.
 */
template <typename CACHE> struct cache_format { enum { BLOCK_UNITS = 32, TILE_FLOATS = 64, TAIL = 0 }; };

/** Part f of those of a simdgroup, eight elements each: of 128 elements it takes 32 neighbouring ones. */
static inline uint part_of(uint f, ushort simdgroup) {
    return f / 4 * 16 + simdgroup * 4 + f % 4;
}

/** Whether a simdgroup has that part: always, unless the head has other than a multiple of 128 elements. */
static inline bool has_part(uint f, ushort simdgroup) {
    return HEAD_DIM % 128 == 0 || part_of(f, simdgroup) < HEAD_DIM / 8;
}

/** Parts that a simdgroup may have. */
static inline uint parts_of_simdgroup() {
    return (HEAD_DIM + 127) / 128 * 4;
}

/** products[t] += queries of tile t times eight keys, the first of which begins at keys. */
template <uint TILES, typename QUERY, typename CACHE> static inline void add_key_products(threadgroup const QUERY * tile_queries, device const CACHE * keys,
        ulong slot_stride, threadgroup float *, ushort, thread simdgroup_float8x8 * products) {
    const uint head_parts = HEAD_DIM / 8;
    for (uint d = 0; d < head_parts; d++) {
        simdgroup_matrix<CACHE, 8, 8> k;
        simdgroup_load(k, keys + 8 * d, slot_stride, ulong2(0), true);
        #pragma unroll
        for (uint t = 0; t < TILES; t++) {
            simdgroup_matrix<QUERY, 8, 8> q;
            simdgroup_load(q, tile_queries + (t * head_parts + d) * 64, 8);
            simdgroup_multiply_accumulate(products[t], q, k, products[t]);
        }
    }
}

/** attended[t * PARTS + f] += weights of tile t times part f of the values of a block, the first of which begins at values. */
template <uint TILES, uint PARTS, typename CACHE> static inline void add_values(threadgroup const float * block_weights, device const CACHE * values,
        ulong slot_stride, threadgroup float *, ushort simdgroup, ushort, thread simdgroup_float8x8 * attended) {
    #pragma unroll
    for (uint k = 0; k < KEY_BLOCK / 8; k++) {
        simdgroup_float8x8 weights[TILES];
        #pragma unroll
        for (uint t = 0; t < TILES; t++) {
            simdgroup_load(weights[t], block_weights + (t * 4 + k) * 64, 8);
        }
        #pragma unroll
        for (uint f = 0; f < parts_of_simdgroup(); f++) {
            if (has_part(f, simdgroup)) {
                simdgroup_matrix<CACHE, 8, 8> v;
                simdgroup_load(v, values + 8 * k * slot_stride + 8 * part_of(f, simdgroup), slot_stride);
                #pragma unroll
                for (uint t = 0; t < TILES; t++) {
                    simdgroup_multiply_accumulate(attended[t * PARTS + f], weights[t], v, attended[t * PARTS + f]);
                }
            }
        }
    }
}
