// Attention of a few columns over a run of cached positions of f16 or f32, by one block. Loads run DEPTH chunks of 4 KiB per warp ahead, in registers.
#pragma once

#include "attention_softmax.cuh"
#include "kv_cache.cuh"

// Positions from .. from + count - 1 of one key/value head.
template <class Element>
struct CachedRun {
    const Element *keys;
    const Element *values;
    int slots;
    int from;
    int count;
};

template <class Cache, int D, int COLUMN_TILES>
struct Streaming : AttentionTile<D, COLUMN_TILES> {
    using Tile = AttentionTile<D, COLUMN_TILES>;
    static constexpr int KEY_CHUNKS = D / Cache::KEY_CHUNK_DIMS;
    static constexpr int CHUNKS = KEY_CHUNKS + Tile::TILE_KEYS / Cache::VALUE_CHUNK_KEYS;
};

template <class Cache, int D, int COLUMN_TILES, int DEPTH>
class AttentionStream : public RunningAttention<D, COLUMN_TILES> {
    using Running = RunningAttention<D, COLUMN_TILES>;

public:
    using Shape = Streaming<Cache, D, COLUMN_TILES>;
    using Element = typename Cache::Element;
    static_assert(Shape::CHUNKS % DEPTH == 0, "a chunk's registers have to be known at compile time");

    using Running::output;
    using Running::Running;

    // Adds the positions of a run. Visible(column, position): whether the column sees it. Prepare() is called once the first loads are under
    // way, and has to bring the queries to shared memory, for all threads to see.
    template <class Visible, class Prepare>
    __device__ __forceinline__ void attend(const CachedRun<Element> &newRun, Visible visible, Prepare prepare) {
        run = newRun;
        nextSlot = run.from % run.slots;
        // The tile before the first only starts the loads: code executed once costs more than a few branches.
#pragma unroll 1
        for (tile = -Shape::TILE_KEYS; tile < run.count; tile += Shape::TILE_KEYS) {
            const int keys = run.count - tile;
            const bool first = tile < 0;
            float scores[COLUMN_TILES][Shape::CHAINS][4] = {};
#pragma unroll
            for (int c = 0; c < Shape::KEY_CHUNKS; c++) {
                if (!first && 16 * warp < keys) {
#pragma unroll
                    for (int n = 0; n < COLUMN_TILES; n++) {
                        Cache::scores(scores[n], chunks[c % DEPTH], &shared.queries[0][8 * n + g][c * Cache::KEY_CHUNK_DIMS],
                                      Shape::COLUMNS * Shape::QUERY_STRIDE, t);
                    }
                }
                loadAhead(c, keys);
            }
            if (!first) {
                Running::softmax(scores, keys, run.from + tile, visible, [] {});
            }
#pragma unroll
            for (int c = Shape::KEY_CHUNKS; c < Shape::CHUNKS; c++) {
                const int key = (c - Shape::KEY_CHUNKS) * Cache::VALUE_CHUNK_KEYS;
                if (!first && key < keys) {
#pragma unroll
                    for (int n = 0; n < COLUMN_TILES; n++) {
                        Cache::accumulate(output[n], chunks[c % DEPTH], &shared.probabilities[0][8 * n + g][key],
                                          Shape::COLUMNS * Shape::PROBABILITY_STRIDE, t);
                    }
                }
                loadAhead(c, keys);
            }
            slot = nextSlot;
            nextSlot = wrapped(nextSlot + Shape::TILE_KEYS);
            if (first) {
                prepare();
            }
        }
    }

private:
    using Running::g;
    using Running::shared;
    using Running::t;
    using Running::warp;
    CachedRun<Element> run;
    int tile;  // first key of the current tile, counted from the start of the run
    int slot;  // its slot
    int nextSlot;  // that of the next tile
    Chunk chunks[DEPTH];

    __device__ __forceinline__ int wrapped(int slot) const { return slot >= run.slots ? slot - run.slots : slot; }

    // Chunk c of a tile. Keys beyond the run are replaced by its last: what is loaded is always a number, and the softmax leaves it out.
    __device__ __forceinline__ void load(int buffer, int c, int tileSlot, int keys) {
        if (c < Shape::KEY_CHUNKS) {
            const int key = 16 * warp;
            if (key < keys) {
                Cache::template loadKeys<D>(chunks[buffer], run.keys, run.values, slotOf(tileSlot, min(key + g, keys - 1)),
                                            slotOf(tileSlot, min(key + g + 8, keys - 1)), c * Cache::KEY_CHUNK_DIMS, t);
            }
        } else {
            const int key = (c - Shape::KEY_CHUNKS) * Cache::VALUE_CHUNK_KEYS;
            if (key < keys) {
                const Element *values = run.values + 64 * warp + 8 * g;
                Cache::loadValues(chunks[buffer], [&](int i) { return values + slotOf(tileSlot, min(key + i, keys - 1)) * D; }, t);
            }
        }
    }

    // Reuses the registers of chunk c for the chunk DEPTH further on, perhaps of the next tile.
    __device__ __forceinline__ void loadAhead(int c, int keys) {
        if (c + DEPTH < Shape::CHUNKS) {
            if (tile >= 0) {
                load(c % DEPTH, c + DEPTH, slot, keys);
            }
        } else if (keys > Shape::TILE_KEYS) {
            load(c % DEPTH, c + DEPTH - Shape::CHUNKS, nextSlot, keys - Shape::TILE_KEYS);
        }
    }

    __device__ __forceinline__ uint32_t slotOf(int tileSlot, int key) const { return wrapped(tileSlot + key); }
};

// The keys and values of a head of such a cache, from .. from + count - 1.
template <class Cache, int D>
__device__ __forceinline__ CachedRun<typename Cache::Element> runOf(const KvCacheRef &cache, int kvHead, int from, int count) {
    using Element = typename Cache::Element;
    const size_t rows = static_cast<size_t>(kvHead) * cache.slots;
    return {static_cast<const Element *>(cache.keys) + rows * Cache::template KEY_ELEMENTS<D>, static_cast<const Element *>(cache.values) + rows * D,
            cache.slots, from, count};
}

// Over the only store of such a cache.
template <class Cache, int D, int COLUMN_TILES, int DEPTH>
class CachedAttention : public AttentionStream<Cache, D, COLUMN_TILES, DEPTH> {
    using Stream = AttentionStream<Cache, D, COLUMN_TILES, DEPTH>;

public:
    static constexpr bool ROTATED = false;
    static constexpr bool DERIVED = Cache::DERIVED;

    using Stream::Stream;

    // Where element `dim` of a query stands in shared memory.
    static __device__ __forceinline__ int queryPlace(int dim) { return dim; }

    // Adds positions from .. from + count - 1 of a key/value head.
    template <class Visible, class Prepare>
    __device__ __forceinline__ void attend(const KvCacheRef &cache, int kvHead, int from, int count, int, Visible visible, Prepare prepare) {
        Stream::attend(runOf<Cache, D>(cache, kvHead, from, count), visible, prepare);
    }
};
