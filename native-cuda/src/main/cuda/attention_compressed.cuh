// Attention of a few columns over a compressed cache, by one block: codes first, then, where the type is rotated, the tail. Codes run DEPTH chunks per warp
// ahead, in registers, their scales a tile ahead; scales go through shared memory, since many lanes need each.
#pragma once

#include "attention_codes.cuh"
#include "attention_stream.cuh"

template <template <int> class CodesOf, int D, int COLUMN_TILES>
struct CodeStreaming : AttentionTile<D, COLUMN_TILES> {
    using Tile = AttentionTile<D, COLUMN_TILES>;
    using Codes = CodesOf<D>;
    static constexpr int SCALES = D / 32;
    static constexpr int ROW_BYTES = Codes::CODE_BYTES + 2 * SCALES;
    static constexpr int KEY_CHUNKS = D / Codes::KEY_CHUNK_DIMS;
    static constexpr int CHUNKS = KEY_CHUNKS + Tile::TILE_KEYS / Codes::VALUE_CHUNK_KEYS;

    struct Shared : Tile::Shared {
        __align__(16) uint16_t keyScales[Tile::TILE_KEYS][SCALES];
        __align__(8) uint16_t valueScales[SCALES][Tile::TILE_KEYS + 8];
    };
};

// Positions from .. from + count - 1 of one key/value head, as rows of codes.
struct CodeRun {
    const unsigned char *keys;
    const unsigned char *values;
    int slots;
    int from;
    int count;
};

template <template <int> class CodesOf, int D, int COLUMN_TILES, int DEPTH>
class CodeStream : public RunningAttention<D, COLUMN_TILES> {
    using Running = RunningAttention<D, COLUMN_TILES>;

public:
    using Shape = CodeStreaming<CodesOf, D, COLUMN_TILES>;
    using Codes = CodesOf<D>;
    static_assert(Shape::CHUNKS % DEPTH == 0, "a chunk's registers have to be known at compile time");

    using Running::output;

    __device__ __forceinline__ CodeStream(typename Shape::Shared &shared) : Running(shared), shared(shared) {}

    // As AttentionStream::attend.
    template <class Visible, class Prepare>
    __device__ __forceinline__ void attend(const CodeRun &newRun, Visible visible, Prepare prepare) {
        run = newRun;
        nextSlot = run.from % run.slots;
        Codes::toCodeOrder(*this);
#pragma unroll 1
        for (tile = -Shape::TILE_KEYS; tile < run.count; tile += Shape::TILE_KEYS) {
            const int keys = run.count - tile;
            const bool first = tile < 0;
            if (!first) {
                storeKeyScales();
            }
            loadScales(keyScales, run.keys, keys);
            float scores[COLUMN_TILES][Shape::CHAINS][4] = {};
#pragma unroll
            for (int c = 0; c < Shape::KEY_CHUNKS; c++) {
                if (!first && 16 * warp < keys) {
                    constexpr int SCALES_OF_CHUNK = Codes::KEY_CHUNK_DIMS / 32;
                    Codes::scores(scores, chunks[c % DEPTH], shared.keyScales[16 * warp + g] + SCALES_OF_CHUNK * c,
                                  shared.keyScales[16 * warp + g + 8] + SCALES_OF_CHUNK * c, shared, c * Codes::KEY_CHUNK_DIMS, g, t);
                }
                loadAhead(c, keys);
            }
            if (!first) {
                Running::softmax(scores, keys, run.from + tile, visible, [&] { storeValueScales(); });
            }
            loadScales(valueScales, run.values, keys);
#pragma unroll
            for (int c = Shape::KEY_CHUNKS; c < Shape::CHUNKS; c++) {
                const int key = (c - Shape::KEY_CHUNKS) * Codes::VALUE_CHUNK_KEYS;
                if (!first && key < keys) {
                    accumulate(chunks[c % DEPTH], key);
                }
                loadAhead(c, keys);
            }
            slot = nextSlot;
            nextSlot = wrapped(nextSlot + Shape::TILE_KEYS);
            if (first) {
                prepare();
            }
        }
        Codes::fromCodeOrder(*this);
    }

private:
    using Running::g;
    using Running::t;
    using Running::warp;
    // 16-byte parts of the scales of a row.
    static constexpr int SCALE_PARTS = Shape::SCALES / 8;

    typename Shape::Shared &shared;
    CodeRun run;
    int tile;  // first key of the current tile, counted from the start of the run
    int slot;  // its slot
    int nextSlot;  // that of the next tile
    CodeChunk chunks[DEPTH];
    // This lane's part of the scales of the warp's 16 keys.
    uint4 keyScales;
    uint4 valueScales;

    __device__ __forceinline__ int wrapped(int slot) const { return slot >= run.slots ? slot - run.slots : slot; }

    __device__ __forceinline__ uint32_t offset(int tileSlot, int key) const { return wrapped(tileSlot + key) * Shape::ROW_BYTES; }

    // Those of the next tile. Keys beyond the run are replaced by its last, here and below: what is loaded is always a number, and the softmax leaves it out.
    __device__ __forceinline__ void loadScales(uint4 &scales, const unsigned char *rows, int keys) const {
        if (keys > Shape::TILE_KEYS) {
            const int lane = threadIdx.x % 32;
            const int key = 16 * warp + lane / SCALE_PARTS % 16;
            scales = loadCached(rows + offset(nextSlot, min(key, keys - Shape::TILE_KEYS - 1)) + Codes::CODE_BYTES + 16 * (lane % SCALE_PARTS));
        }
    }

    __device__ __forceinline__ void storeKeyScales() {
        const int lane = threadIdx.x % 32;
        if (lane < 16 * SCALE_PARTS) {
            *reinterpret_cast<uint4 *>(&shared.keyScales[16 * warp + lane / SCALE_PARTS][lane % SCALE_PARTS * 8]) = keyScales;
        }
        __syncwarp();
    }

    __device__ __forceinline__ void storeValueScales() {
        const int lane = threadIdx.x % 32;
        const uint32_t words[4] = {valueScales.x, valueScales.y, valueScales.z, valueScales.w};
        if (lane < 16 * SCALE_PARTS) {
#pragma unroll
            for (int i = 0; i < 8; i++) {
                shared.valueScales[lane % SCALE_PARTS * 8 + i][16 * warp + lane / SCALE_PARTS] = static_cast<uint16_t>(words[i / 2] >> 16 * (i % 2));
            }
        }
    }

    __device__ __forceinline__ void load(int buffer, int c, int tileSlot, int keys) {
        if (keys >= Shape::TILE_KEYS && tileSlot + Shape::TILE_KEYS <= run.slots) {
            // A whole tile in one piece: one address for all loads of a lane.
            load(chunks[buffer].words, c, [&](const unsigned char *rows, int lanesKey, int more) {
                return rows + (tileSlot + lanesKey) * static_cast<uint32_t>(Shape::ROW_BYTES) + static_cast<size_t>(more) * Shape::ROW_BYTES;
            });
        } else if ((c < Shape::KEY_CHUNKS ? 16 * warp : (c - Shape::KEY_CHUNKS) * Codes::VALUE_CHUNK_KEYS) < keys) {
            load(chunks[buffer].words, c, [&](const unsigned char *rows, int lanesKey, int more) {
                return rows + offset(tileSlot, min(lanesKey + more, keys - 1));
            });
        }
    }

    // row(rows, lanesKey, more): of key lanesKey + more of the tile, more being known at compile time.
    template <class Row>
    __device__ __forceinline__ void load(uint32_t (&words)[16], int c, Row row) {
        if (c < Shape::KEY_CHUNKS) {
            const unsigned char *keys = run.keys + 128 * c + 16 * t;
#pragma unroll
            for (int b = 0; b < 2; b++) {
                *reinterpret_cast<uint4 *>(words + 8 * b) = loadCached(row(keys, 16 * warp + g, 0) + 64 * b);
                *reinterpret_cast<uint4 *>(words + 8 * b + 4) = loadCached(row(keys, 16 * warp + g, 8) + 64 * b);
            }
        } else {
            const int key = (c - Shape::KEY_CHUNKS) * Codes::VALUE_CHUNK_KEYS;
            const unsigned char *values = run.values + 4 * Codes::VALUE_WORDS * (8 * warp + g);
#pragma unroll
            for (int i = 0; i < Codes::VALUE_CHUNK_KEYS / 4; i++) {
                const unsigned char *from = row(values, 4 * t, key + i / 4 * 16 + i % 4);
                if constexpr (Codes::VALUE_WORDS == 2) {
                    *reinterpret_cast<uint2 *>(words + 2 * i) = loadCachedPair(from);
                } else {
                    words[i] = loadCachedWord(from);
                }
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

    // Adds a chunk of values, which begins at `key` of the tile.
    __device__ __forceinline__ void accumulate(const CodeChunk &chunk, int key) {
        const uint16_t *scales = &shared.valueScales[2 * warp + g / 4][key + 4 * t];
#pragma unroll
        for (int step = 0; step < Codes::VALUE_CHUNK_KEYS / 16; step++) {
            const uint2 scale = *reinterpret_cast<const uint2 *>(scales + 16 * step);
            uint2 v[4];
#pragma unroll
            for (int i = 0; i < 4; i++) {
                v[i] = Codes::valueLevels(chunk.words + (4 * step + i) * Codes::VALUE_WORDS);
            }
            uint32_t a[4][4];
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const uint32_t v0 = half == 0 ? v[0].x : v[0].y;
                const uint32_t v1 = half == 0 ? v[1].x : v[1].y;
                const uint32_t v2 = half == 0 ? v[2].x : v[2].y;
                const uint32_t v3 = half == 0 ? v[3].x : v[3].y;
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    // Two dimensions of the first two keys, of the other two.
                    const uint32_t v01 = selectBytes(v0, v1, i == 0 ? 0x5140 : 0x7362);
                    const uint32_t v23 = selectBytes(v2, v3, i == 0 ? 0x5140 : 0x7362);
                    a[2 * half + i][0] = scaledLevels<0x4140>(v01, scale.x);
                    a[2 * half + i][1] = scaledLevels<0x4342>(v01, scale.x);
                    a[2 * half + i][2] = scaledLevels<0x4140>(v23, scale.y);
                    a[2 * half + i][3] = scaledLevels<0x4342>(v23, scale.y);
                }
            }
#pragma unroll
            for (int n = 0; n < COLUMN_TILES; n++) {
                const uint2 p = *reinterpret_cast<const uint2 *>(&shared.probabilities[0][8 * n + g][key + 16 * step + 4 * t]);
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    multiply(output[n][i], a[i][0], a[i][1], a[i][2], a[i][3], p.x, p.y);
                }
            }
        }
    }
};

// Over both stores. TAIL_DEPTH: chunks of f16 ahead.
template <template <int> class CodesOf, int D, int COLUMN_TILES, int DEPTH, int TAIL_DEPTH>
class CompressedAttention : public CodeStream<CodesOf, D, COLUMN_TILES, DEPTH> {
    using Stream = CodeStream<CodesOf, D, COLUMN_TILES, DEPTH>;

public:
    using Shape = typename Stream::Shape;
    static constexpr bool ROTATED = CodesOf<D>::ROTATED;
    static constexpr bool DERIVED = false;

    static __device__ __forceinline__ int queryPlace(int dim) { return ::queryPlace(dim); }

    __device__ __forceinline__ CompressedAttention(typename Shape::Shared &shared) : Stream(shared), shared(shared) {}

    // Adds positions from .. from + count - 1 of a key/value head; those from tailFrom on are read from the tail. Visible and Prepare as for AttentionStream.
    template <class Visible, class Prepare>
    __device__ __forceinline__ void attend(const KvCacheRef &cache, int kvHead, int from, int count, int tailFrom, Visible visible, Prepare prepare) {
        const int end = from + count;
        const int codesEnd = ROTATED ? min(end, max(from, tailFrom)) : end;
        if (codesEnd > from) {
            const size_t head = static_cast<size_t>(kvHead) * cache.slots * Shape::ROW_BYTES;
            Stream::attend({static_cast<const unsigned char *>(cache.keys) + head, static_cast<const unsigned char *>(cache.values) + head, cache.slots,
                            from, codesEnd - from},
                           visible, prepare);
        }
        if constexpr (ROTATED) {
            if (end > codesEnd) {
                const size_t head = static_cast<size_t>(kvHead) * cache.tailSlots * D;
                AttentionStream<CacheTail, D, COLUMN_TILES, TAIL_DEPTH> tail(shared);
                tail.continueFrom(*this);
                tail.attend({static_cast<const uint16_t *>(cache.tailKeys) + head, static_cast<const uint16_t *>(cache.tailValues) + head,
                             cache.tailSlots, codesEnd, end - codesEnd},
                            visible, [&] {
                                if (codesEnd == from) {
                                    prepare();
                                }
                            });
                Stream::continueFrom(tail);
            }
        }
    }

private:
    typename Shape::Shared &shared;
};
