#pragma once
#include "attention_tiles.h"

// softmax(q k^T) v over the visible keys of a cache [slots][kv_heads][head], whose slots are a multiple of 32 in memory, zero where never
// written. The query heads that share a key/value head are entries of one tile: entry e is query head e % group of row e / group. A threadgroup of
// 4 simdgroups takes a tile of entries, a key/value head and a range of the blocks of 32 slots that hold visible keys; keys and values are read
// once for all entries of the tile. Scores and sums are floats throughout.

/**
 * Strides in floats. Position p is in slot p % slots; newest is the last position of the sequence that has been written. first_position is that of the
 * first row. window: positions a query sees, itself included. splits: parts of the keys, which attention_combine puts together.
 * Of caches with a tail, which are no rings: position p is also in slot p % tail_slots of the tail. A tile whose first row is at position p reads
 * positions from p - tail_reach on from there, but none before tail_from, from the next multiple of tail_tile on; older ones from the cache.
 */
struct AttentionArguments {
    uint query_stride;
    uint out_stride;
    uint heads;
    uint kv_heads;
    uint rows;
    uint first_position;
    uint newest;
    uint slots;
    uint window;
    uint splits;
    uint tail_slots;
    uint tail_from;
    uint tail_reach;
    uint tail_tile;
};
static_assert(sizeof(AttentionArguments) == 56, "as in MetalAttention");

/** Floats of threadgroup memory: two score blocks, corrections, the tile of each simdgroup, sums and flags, queries. */
template <typename QUERY> constexpr uint attention_floats(uint tiles, uint head_dim, uint tile_floats) {
    return tiles * (2 * 8 * KEY_BLOCK + 64 + 16) + 4 * tile_floats + 4 + tiles * 8 * head_dim * sizeof(QUERY) / sizeof(float);
}

/** The position whose key is in a slot, negative where there is none. */
static inline int position_in(uint slot, uint newest, uint slots) {
    const uint newest_slot = newest % slots;
    const uint age = slot <= newest_slot ? newest_slot - slot : newest_slot + slots - slot;
    return slot < slots ? int(newest) - int(age) : -1;
}

/** The blocks of slots that hold positions low to high, going round the ring: first, count. */
static inline uint2 visible_blocks(uint low, uint high, uint slots) {
    const uint blocks = (slots + KEY_BLOCK - 1) / KEY_BLOCK;
    const uint first = low % slots / KEY_BLOCK;
    const uint last = high % slots / KEY_BLOCK;
    if (high - low + 1 >= slots) {
        return uint2(0, blocks);
    }
    const uint count = low % slots <= high % slots ? last - first + 1 : blocks - first + last + 1;
    return uint2(first, min(count, blocks));
}

/**
 * TILES * 8 entries by 128 threads. With one split the result goes to out; else unnormalised values go to parts
 * [split][kv_head][entry][HEAD_DIM], greatest score and sum to part_sums.
 */
template <typename CACHE, typename QUERY, uint TILES, uint MAX_HEAD_DIM> static inline void attention(device const float * queries,
        device const CACHE * keys, device const CACHE * values, device const half * tail_keys, device const half * tail_values, device float * out,
        device float * parts, device float2 * part_sums, constant AttentionArguments & args, threadgroup float * memory, uint3 group,
        ushort thread_index, ushort simdgroup, ushort lane) {
    threadgroup float * scores = memory;
    threadgroup float * corrections = scores + TILES * 2 * 8 * KEY_BLOCK;
    threadgroup float * tile = corrections + TILES * 64 + cache_format<CACHE>::TILE_FLOATS * simdgroup;
    threadgroup float * sums = corrections + TILES * 64 + cache_format<CACHE>::TILE_FLOATS * 4;
    threadgroup float * raised = sums + TILES * 16;
    threadgroup QUERY * tile_queries = (threadgroup QUERY *)(raised + 4);

    const uint heads_per_kv = args.heads / args.kv_heads;
    const uint entries = args.rows * heads_per_kv;
    const uint first_entry = group.x * TILES * 8;
    const uint kv_head = group.y;
    const uint head_parts = HEAD_DIM / 8;

    for (uint i = thread_index; i < TILES * 8 * HEAD_DIM; i += 128) {
        const uint in_tile = i / HEAD_DIM;
        const uint entry = first_entry + in_tile;
        const uint d = i % HEAD_DIM;
        float q = 0.0f;
        if (entry < entries) {
            q = queries[ulong(entry / heads_per_kv) * args.query_stride + (kv_head * heads_per_kv + entry % heads_per_kv) * HEAD_DIM + d];
        }
        tile_queries[(in_tile / 8 * head_parts + d / 8) * 64 + in_tile % 8 * 8 + d % 8] = QUERY(q);
    }
    for (uint i = thread_index; i < TILES * 64; i += 128) {
        corrections[i] = 0.0f;
    }
    // Where queries are rotated, results are going to take their place.
    threadgroup_barrier(cache_format<CACHE>::TAIL != 0 ? mem_flags::mem_threadgroup | mem_flags::mem_device : mem_flags::mem_threadgroup);

    // Part f of tile t is at t * PARTS + f.
    constexpr uint PARTS = MAX_HEAD_DIM / 32;
    simdgroup_float8x8 attended[TILES * PARTS];
    #pragma unroll
    for (uint i = 0; i < TILES * PARTS; i++) {
        attended[i] = make_filled_simdgroup_matrix<float, 8>(0.0f);
    }
    // Of entry simdgroup + 4 i, the same in all lanes.
    float greatest[TILES * 2];
    float total[TILES * 2];
    #pragma unroll
    for (uint i = 0; i < TILES * 2; i++) {
        greatest[i] = -FLT_MAX;
        total[i] = 0.0f;
    }

    const uint last_entry = min(first_entry + TILES * 8, entries) - 1;
    const uint first_seen = args.first_position + first_entry / heads_per_kv;
    const uint low = first_seen - min(first_seen, args.window - 1);
    const uint2 visible = visible_blocks(low, args.first_position + last_entry / heads_per_kv, args.slots);
    const uint slot_blocks = (args.slots + KEY_BLOCK - 1) / KEY_BLOCK;
    const uint end = visible.y * (group.z + 1) / args.splits;
    const uint head_units = HEAD_DIM * cache_format<CACHE>::BLOCK_UNITS / 32;
    const ulong slot_stride = ulong(args.kv_heads) * head_units;
    const ulong tail_stride = ulong(args.kv_heads) * HEAD_DIM;
    uint tail_from = 0;
    if (cache_format<CACHE>::TAIL != 0) {
        tail_from = max(args.tail_from, first_seen - min(first_seen, args.tail_reach));
        tail_from = (tail_from + args.tail_tile - 1) / args.tail_tile * args.tail_tile;
    }

    for (uint i = visible.y * group.z / args.splits; i < end; i++) {
        const uint block = (visible.x + i) % slot_blocks;
        threadgroup float * block_scores = scores + i % 2 * (TILES * 8 * KEY_BLOCK);
        const uint slot = block * KEY_BLOCK;
        const bool in_tail = cache_format<CACHE>::TAIL != 0 && slot >= tail_from;

        // Eight keys by each simdgroup.
        simdgroup_float8x8 products[TILES];
        #pragma unroll
        for (uint t = 0; t < TILES; t++) {
            products[t] = make_filled_simdgroup_matrix<float, 8>(0.0f);
        }
        if (in_tail) {
            add_key_products<TILES>(tile_queries, tail_keys + (slot % args.tail_slots + 8 * simdgroup) * tail_stride + kv_head * HEAD_DIM, tail_stride,
                    tile, lane, products);
        } else {
            add_key_products<TILES>(tile_queries, keys + (slot + 8 * simdgroup) * slot_stride + kv_head * head_units, slot_stride, tile, lane, products);
        }
        #pragma unroll
        for (uint t = 0; t < TILES; t++) {
            simdgroup_store(products[t], block_scores + (t * 4 + simdgroup) * 64, 8);
        }
        threadgroup_barrier(mem_flags::mem_threadgroup);

        // Entries simdgroup, simdgroup + 4 ...; a lane has one key.
        const int key_position = position_in(slot + lane, args.newest, args.slots);
        bool any_raised = false;
        #pragma unroll
        for (uint j = 0; j < TILES * 2; j++) {
            const uint in_tile = simdgroup + 4 * j;
            const int position = int(args.first_position + (first_entry + in_tile) / heads_per_kv);
            const bool seen = key_position >= 0 && key_position <= position && uint(position - key_position) < args.window;
            threadgroup float * score = block_scores + (in_tile / 8 * 4 + lane / 8) * 64 + in_tile % 8 * 8 + lane % 8;
            const float s = seen ? *score : -FLT_MAX;
            const float raised_to = max(greatest[j], simd_max(s));
            const float weight = seen ? precise::exp(s - raised_to) : 0.0f;
            const float correction = precise::exp(greatest[j] - raised_to);
            const float block_total = simd_sum(weight);
            *score = weight;
            total[j] = total[j] * correction + block_total;
            any_raised = any_raised || raised_to > greatest[j];
            greatest[j] = raised_to;
            if (lane == 0) {
                corrections[in_tile / 8 * 64 + in_tile % 8 * 9] = correction;
            }
        }
        if (lane == 0) {
            raised[simdgroup] = any_raised ? 1.0f : 0.0f;
        }
        threadgroup_barrier(mem_flags::mem_threadgroup);

        // A quarter of the head by each simdgroup.
        if (raised[0] + raised[1] + raised[2] + raised[3] > 0.0f) {
            #pragma unroll
            for (uint t = 0; t < TILES; t++) {
                simdgroup_float8x8 diagonal;
                simdgroup_load(diagonal, corrections + t * 64, 8);
                #pragma unroll
                for (uint f = 0; f < parts_of_simdgroup(); f++) {
                    if (has_part(f, simdgroup)) {
                        simdgroup_multiply(attended[t * PARTS + f], diagonal, attended[t * PARTS + f]);
                    }
                }
            }
        }
        if (in_tail) {
            add_values<TILES, PARTS>(block_scores, tail_values + slot % args.tail_slots * tail_stride + kv_head * HEAD_DIM, tail_stride, tile, simdgroup,
                    lane, attended);
        } else {
            add_values<TILES, PARTS>(block_scores, values + slot * slot_stride + kv_head * head_units, slot_stride, tile, simdgroup, lane, attended);
        }
    }

    if (lane == 0) {
        #pragma unroll
        for (uint j = 0; j < TILES * 2; j++) {
            sums[2 * (simdgroup + 4 * j)] = greatest[j];
            sums[2 * (simdgroup + 4 * j) + 1] = total[j];
        }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const ulong part = (ulong(group.z) * args.kv_heads + kv_head) * entries;
    #pragma unroll
    for (uint t = 0; t < TILES; t++) {
        #pragma unroll
        for (uint f = 0; f < parts_of_simdgroup(); f++) {
            if (has_part(f, simdgroup)) {
                simdgroup_store(attended[t * PARTS + f], tile, 8);
                simdgroup_barrier(mem_flags::mem_threadgroup);
                for (uint i = lane; i < 64; i += 32) {
                    const uint in_tile = 8 * t + i / 8;
                    const uint entry = first_entry + in_tile;
                    const uint d = 8 * part_of(f, simdgroup) + i % 8;
                    if (entry < entries && args.splits == 1) {
                        const ulong head = kv_head * heads_per_kv + entry % heads_per_kv;
                        out[ulong(entry / heads_per_kv) * args.out_stride + head * HEAD_DIM + d] = tile[i] / sums[2 * in_tile + 1];
                    } else if (entry < entries) {
                        parts[(part + entry) * HEAD_DIM + d] = tile[i];
                    }
                }
                simdgroup_barrier(mem_flags::mem_threadgroup);
            }
        }
    }
    if (args.splits > 1 && thread_index < TILES * 8 && first_entry + thread_index < entries) {
        part_sums[part + first_entry + thread_index] = float2(sums[2 * thread_index], sums[2 * thread_index + 1]);
    }
}

/** Grid (ceil(rows * heads / kv_heads / (8 * TILES)), kv_heads, splits), 128 threads; HEAD_DIM at most MAX_HEAD_DIM. */
#define ATTENTION_KERNEL(NAME, CACHE, QUERY, TILES, MAX_HEAD_DIM) \
    kernel void NAME##_##MAX_HEAD_DIM(device const float * queries [[buffer(0)]], device const CACHE * keys [[buffer(1)]], \
            device const CACHE * values [[buffer(2)]], device float * out [[buffer(3)]], device float * parts [[buffer(4)]], \
            device float2 * part_sums [[buffer(5)]], constant AttentionArguments & args [[buffer(6)]], \
            uint3 group [[threadgroup_position_in_grid]], ushort thread_index [[thread_index_in_threadgroup]], \
            ushort simdgroup [[simdgroup_index_in_threadgroup]], ushort lane [[thread_index_in_simdgroup]]) { \
        threadgroup float memory[attention_floats<QUERY>(TILES, MAX_HEAD_DIM, cache_format<CACHE>::TILE_FLOATS)]; \
        attention<CACHE, QUERY, TILES, MAX_HEAD_DIM>(queries, keys, values, (device const half *)nullptr, (device const half *)nullptr, out, parts, \
                part_sums, args, memory, group, thread_index, simdgroup, lane); \
    }

/** Two entries: heads of at most 256 elements take half of the threadgroup memory and registers that 512 take. */
#define ATTENTION_KERNELS(NAME, CACHE, QUERY, TILES) ATTENTION_KERNEL(NAME, CACHE, QUERY, TILES, 256) ATTENTION_KERNEL(NAME, CACHE, QUERY, TILES, 512)

/** The same over a cache with a tail. queries may be out: a threadgroup reads no others than those whose results it writes. */
#define ATTENTION_TAIL_KERNEL(NAME, CACHE, QUERY, TILES, MAX_HEAD_DIM) \
    kernel void NAME##_##MAX_HEAD_DIM(device const float * queries [[buffer(0)]], device const CACHE * keys [[buffer(1)]], \
            device const CACHE * values [[buffer(2)]], device float * out [[buffer(3)]], device float * parts [[buffer(4)]], \
            device float2 * part_sums [[buffer(5)]], constant AttentionArguments & args [[buffer(6)]], device const half * tail_keys [[buffer(7)]], \
            device const half * tail_values [[buffer(8)]], uint3 group [[threadgroup_position_in_grid]], \
            ushort thread_index [[thread_index_in_threadgroup]], ushort simdgroup [[simdgroup_index_in_threadgroup]], \
            ushort lane [[thread_index_in_simdgroup]]) { \
        threadgroup float memory[attention_floats<QUERY>(TILES, MAX_HEAD_DIM, cache_format<CACHE>::TILE_FLOATS)]; \
        attention<CACHE, QUERY, TILES, MAX_HEAD_DIM>(queries, keys, values, tail_keys, tail_values, out, parts, part_sums, args, memory, group, \
                thread_index, simdgroup, lane); \
    }

#define ATTENTION_TAIL_KERNELS(NAME, CACHE, QUERY, TILES) \
    ATTENTION_TAIL_KERNEL(NAME, CACHE, QUERY, TILES, 256) ATTENTION_TAIL_KERNEL(NAME, CACHE, QUERY, TILES, 512)
