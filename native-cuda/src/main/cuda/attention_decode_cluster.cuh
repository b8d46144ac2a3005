// Attention of one token where each block has few keys: the blocks of a unit are a cluster and merge through each other's shared memory. What bounds
// it is latency, so what other kernels of the step do not write is read before the wait: the position, the rotation, and the first tile of keys and
// values. Instructions that run once have to be fetched once, so there are few of them: no divisions, no loops unrolled further than loads have
// to overlap. Arguments, grid and layouts: attention.md.
//
// Eight warps. For the scores of a tile each has 16 keys and 128 dimensions, for the output 64 dimensions and 32 keys: what two warps have of the same
// dimensions stays apart until the blocks' parts are merged.
#pragma once

#include "attention_decode.cuh"
#include "cluster.cuh"

constexpr int CLUSTER_BLOCKS = 8;

template <int D>
struct ClusterTile {
    static constexpr int WARPS = 8;
    static constexpr int THREADS = 32 * WARPS;
    static constexpr int SCORE_PARTS = D / 128;
    static constexpr int KEYS = 16 * WARPS / SCORE_PARTS;
    static constexpr int VALUE_PARTS = D / 64;
    static constexpr int KEY_PARTS = WARPS / VALUE_PARTS;
    // Of a unit, of which each block merges a share of the dimensions.
    static constexpr int PARTS = CLUSTER_BLOCKS * KEY_PARTS;
    static constexpr int SHARE = D / CLUSTER_BLOCKS;
    // Neighbouring lanes that merge parts of the same four dimensions, and how many each has.
    static constexpr int MERGERS = THREADS / (DECODE_COLUMNS * SHARE / 4);
    static constexpr int MERGED_PARTS = PARTS / MERGERS;
    static_assert(KEYS == 32 * KEY_PARTS, "a warp's keys, for the output");
};

template <int D>
struct ClusterShared {
    using Tile = ClusterTile<D>;
    uint16_t queries[2][DECODE_COLUMNS][D + 32];
    float scores[Tile::SCORE_PARTS][DECODE_COLUMNS][Tile::KEYS + 16];
    float queryNorm[D];
    float keyNorm[D];
    float2 rotations[D / 2];
    // The new token's key and value, as the cache holds them.
    float key[D];
    float value[D];
    // Sent by all blocks of the cluster: outputs of the share, not yet divided by the sum, and {maximum, sum}; and the new token's.
    float outputs[Tile::PARTS][DECODE_COLUMNS][Tile::SHARE + 4];
    float2 stats[Tile::PARTS][DECODE_COLUMNS];
    float newValue[Tile::SHARE];
    float newScore[DECODE_COLUMNS];
    uint64_t arrived;
};
static_assert(sizeof(ClusterShared<256>) == 39080 && sizeof(ClusterShared<512>) == 52008, "the host asks for so much");

#if __CUDA_ARCH__ >= 900
// Keys and values of a block, a tile at a time, in the registers of its warps.
template <class Cache, int D>
struct ClusterKeys {
    using Tile = ClusterTile<D>;
    const uint16_t *keys;
    const uint16_t *values;
    int slots;
    int count;
    int firstSlot;
    Chunk keyChunk;
    Chunk valueChunk;

    // Keys beyond the last are replaced by it: what is loaded is always a number, and the softmax leaves it out.
    __device__ __forceinline__ uint32_t slotOf(int key) const {
        const int slot = firstSlot + min(key, count - 1);
        return slot >= slots ? slot - slots : slot;
    }

    __device__ __forceinline__ void loadKeys(int tile) {
        const int warp = threadIdx.x / 32;
        const int key = tile + warp / Tile::SCORE_PARTS * 16;
        if (key < count) {
            const int g = threadIdx.x % 32 / 4;
            Cache::template loadKeys<D>(keyChunk, keys, values, slotOf(key + g), slotOf(key + g + 8), warp % Tile::SCORE_PARTS * 128, threadIdx.x % 4);
        }
    }

    __device__ __forceinline__ void loadValues(int tile) {
        const int warp = threadIdx.x / 32;
        const int key = tile + warp / Tile::VALUE_PARTS * 32;
        if (key < count) {
            const uint16_t *from = values + warp % Tile::VALUE_PARTS * 64 + threadIdx.x % 32 / 4 * 8;
            CacheF16::loadValues(valueChunk, [&](int i) { return from + slotOf(key + i) * D; }, threadIdx.x % 4);
        }
    }
};

// What a warp has of its keys and its dimensions. Lanes have fragments of the output for columns 2t and 2t + 1, all else for column g.
struct ClusterOutput {
    float maximum = NOTHING;
    float sum = 0;
    float output[4][4] = {};

    // s: scores of eight keys, NOTHING beyond the last.
    __device__ __forceinline__ void add(const float (&s)[2][4], const Chunk &values, bool first) {
        float highest = maximum;
#pragma unroll
        for (int i = 0; i < 8; i++) {
            highest = fmaxf(highest, s[i / 4][i % 4]);
        }
        highest = fmaxf(highest, __shfl_xor_sync(~0u, highest, 1));
        highest = fmaxf(highest, __shfl_xor_sync(~0u, highest, 2));
        if (!first) {
            const float rescale = exp2Approximately((maximum - highest) * LOG2_E);
            sum *= rescale;
#pragma unroll
            for (int e = 0; e < 2; e++) {
                const float ofColumn = __shfl_sync(~0u, rescale, threadIdx.x % 4 * 8 + e * 4);
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    output[i][e] *= ofColumn;
                    output[i][e + 2] *= ofColumn;
                }
            }
        }
        maximum = highest;
        uint2 high[2];
        uint2 low[2];
#pragma unroll
        for (int step = 0; step < 2; step++) {
            float p[4];
#pragma unroll
            for (int i = 0; i < 4; i++) {
                p[i] = exp2Approximately(fmaf(s[step][i] - highest, LOG2_E, PROBABILITY_EXPONENT));
                sum += p[i];
            }
            const SplitPair even = splitPair(p[0], p[1]);
            const SplitPair odd = splitPair(p[2], p[3]);
            high[step] = make_uint2(even.high, odd.high);
            low[step] = make_uint2(even.low, odd.low);
        }
        CacheF16::accumulate(output, values, high, low);
    }
};

// The new token's key or value, of a layer that reads another's cache: it is there already. derived: null, or what has the elements that stand in `rest`.
template <int D>
__device__ __forceinline__ void readNewToken(const uint16_t *derived, const uint16_t *rest, float *to) {
#pragma unroll
    for (int dim = threadIdx.x % 32 * 8; dim < D; dim += 256) {
        const uint4 x = loadCached(derived != nullptr && isStoredOfDerived(dim) ? derived + placeInDerived(dim) : rest + dim);
        const uint32_t words[4] = {x.x, x.y, x.z, x.w};
#pragma unroll
        for (int i = 0; i < 4; i++) {
            to[dim + 2 * i] = half_to_float(words[i] & 0xffff);
            to[dim + 2 * i + 1] = half_to_float(words[i] >> 16);
        }
    }
}

// The keys of a unit, dealt out to the blocks of the cluster.
struct ClusterSplit {
    int all;
    int ofBlock;

    // At least 32 to a block, so that most have nothing to do in short texts.
    __device__ __forceinline__ explicit ClusterSplit(int all)
        : all(all), ofBlock(max(32, (all + 16 * CLUSTER_BLOCKS - 1) / (16 * CLUSTER_BLOCKS) * 16)) {}

    // Whether a warp of the block has that part of its keys.
    __device__ __forceinline__ bool has(int block, int keyPart) const { return 32 * keyPart < min(ofBlock, all - block * ofBlock); }
};

__device__ __forceinline__ int slotOf(int position, int slots) {
    return position < slots ? position : position % slots;
}

template <class Cache, int D>
__device__ __forceinline__ void attentionDecodeCluster(const DecodeArguments &a, const AttentionOutput &output) {
    using Tile = ClusterTile<D>;
    extern __shared__ __align__(16) uint8_t sharedBytes[];
    ClusterShared<D> &shared = *reinterpret_cast<ClusterShared<D> *>(sharedBytes);
    launchDependents();
    const int warp = threadIdx.x / 32;
    const int lane = threadIdx.x % 32;
    const int g = lane / 4;
    const int t = lane % 4;
    int kvHead = blockIdx.y;
    int headOfGroup = 0;
    for (; kvHead >= a.kvHeads; kvHead -= a.kvHeads) {
        headOfGroup += DECODE_COLUMNS;
    }
    const int columns = min(a.group - headOfGroup, DECODE_COLUMNS);
    const int firstHead = kvHead * a.group + headOfGroup;

    // Steps begin when those before have ended, so what these left may be read now: the position, and every key and value but the newest.
    const int position = __ldcg(a.position);
    const KvCacheRef cache = *a.cache;
    const size_t headSlot = static_cast<size_t>(kvHead) * cache.slots;
    const int first = max(0, position - a.window + 1);
    const ClusterSplit split(position - first);
    const int from = first + blockIdx.x * split.ofBlock;
    if (threadIdx.x == 0) {
        int parts = 0;
#pragma unroll 1
        for (int i = 0; i < Tile::PARTS; i++) {
            parts += split.has(i / Tile::KEY_PARTS, i % Tile::KEY_PARTS);
        }
        initBarrier(&shared.arrived);
        expectBytes(&shared.arrived, parts * DECODE_COLUMNS * (Tile::SHARE * sizeof(float) + sizeof(float2)) + (Tile::SHARE + columns) * sizeof(float));
        publishBarriers();
    }
    __syncwarp();
    arriveAtCluster();
    ClusterKeys<Cache, D> stream;
    stream.keys = static_cast<const uint16_t *>(cache.keys) + headSlot * Cache::template KEY_ELEMENTS<D>;
    stream.values = static_cast<const uint16_t *>(cache.values) + headSlot * D;
    stream.slots = cache.slots;
    stream.count = min(split.ofBlock, position - from);
    stream.firstSlot = slotOf(from, cache.slots);
    static_assert(D / 2 <= Tile::THREADS, "a pair of dimensions for each thread");
    if (threadIdx.x < D / 2) {
        shared.rotations[threadIdx.x] = rotation(a.turns[threadIdx.x], position);
        reinterpret_cast<float2 *>(shared.queryNorm)[threadIdx.x] = reinterpret_cast<const float2 *>(a.queryNorm)[threadIdx.x];
        if (a.parts > 1) {
            reinterpret_cast<float2 *>(shared.keyNorm)[threadIdx.x] = reinterpret_cast<const float2 *>(a.keyNorm)[threadIdx.x];
        }
    }
    // Loads return in order: these come last.
    stream.loadKeys(0);
    stream.loadValues(0);
    __syncthreads();
    // From here on the others may be written to.
    waitForCluster();
    waitForPredecessors();

    // The last block, which has the fewest keys, takes the new token, by its last warps, which have no query where a key/value head has few.
    const bool takesNewToken = blockIdx.x == CLUSTER_BLOCKS - 1;
    const int addedHead = Tile::WARPS - 1 - warp;
    const bool adds = takesNewToken && addedHead < 2;
    const auto load = [&](HeadVector<D> &head, int plane) { head.load(a.plane0 + plane * D, a.plane1 == nullptr ? nullptr : a.plane1 + plane * D); };
    HeadVector<D> query;
    HeadVector<D> added;
    if (warp < columns) {
        load(query, firstHead + warp);
    }
    if (adds && a.parts > 1) {
        load(added, a.heads + (addedHead == 1 && a.parts == 3 ? a.kvHeads : 0) + kvHead);
    }
    if (warp < columns) {
        query.norm(shared.queryNorm, a.epsilon);
        query.rotate(shared.rotations);
#pragma unroll
        for (int half = 0; half < 2; half++) {
#pragma unroll
            for (int run = 0; run < HeadVector<D>::RUNS; run++) {
                const int dim = HeadVector<D>::dim(half, run);
                const float(&x)[4] = query.x[half][run];
                const SplitPair even = splitPair(x[0], x[1]);
                const SplitPair odd = splitPair(x[2], x[3]);
                *reinterpret_cast<uint2 *>(&shared.queries[0][warp][dim]) = make_uint2(even.high, odd.high);
                *reinterpret_cast<uint2 *>(&shared.queries[1][warp][dim]) = make_uint2(even.low, odd.low);
            }
        }
    }
    if (adds) {
        float *to = addedHead == 0 ? shared.key : shared.value;
        const size_t slot = headSlot + slotOf(position, cache.slots);
        const bool derived = Cache::DERIVED && addedHead == 0;
        uint16_t *cached = static_cast<uint16_t *>(addedHead == 0 ? cache.keys : cache.values) + slot * (addedHead == 0 ? Cache::template KEY_ELEMENTS<D> : D);
        if (a.parts == 1) {
            readNewToken<D>(derived ? cached : nullptr, derived ? static_cast<uint16_t *>(cache.values) + slot * D : cached, to);
        } else {
            added.norm(addedHead == 0 ? shared.keyNorm : nullptr, a.epsilon);
            if (addedHead == 0) {
                added.rotate(shared.rotations);
            }
#pragma unroll
            for (int half = 0; half < 2; half++) {
#pragma unroll
                for (int run = 0; run < HeadVector<D>::RUNS; run++) {
                    const int dim = HeadVector<D>::dim(half, run);
                    const float(&x)[4] = added.x[half][run];
                    const float4 exact = make_float4(x[0], x[1], x[2], x[3]);
                    *reinterpret_cast<float4 *>(to + dim) = asCached(uint16_t(), exact);
                    if (headOfGroup == 0 && (!derived || isStoredOfDerived(dim))) {
                        storeCached(cached + (derived ? placeInDerived(dim) : dim), exact);
                    }
                }
            }
        }
    }
    __syncthreads();

    if (takesNewToken) {
        if (warp < columns) {
            float score = 0;
#pragma unroll
            for (int half = 0; half < 2; half++) {
#pragma unroll
                for (int run = 0; run < HeadVector<D>::RUNS; run++) {
                    const float4 key = *reinterpret_cast<const float4 *>(shared.key + HeadVector<D>::dim(half, run));
                    const float(&x)[4] = query.x[half][run];
                    score = fmaf(x[0], key.x, fmaf(x[1], key.y, fmaf(x[2], key.z, fmaf(x[3], key.w, score))));
                }
            }
#pragma unroll
            for (int lanes = 1; lanes < 32; lanes *= 2) {
                score += __shfl_xor_sync(~0u, score, lanes);
            }
            if (lane < CLUSTER_BLOCKS) {
                sendTo(lane, &shared.newScore[warp], &shared.arrived, __float_as_uint(score));
            }
        }
        const int dim = 4 * threadIdx.x;
        if (dim < D) {
            sendTo(dim / Tile::SHARE, &shared.newValue[dim % Tile::SHARE], &shared.arrived, *reinterpret_cast<const float4 *>(shared.value + dim));
        }
    }
    const int scoreKey = warp / Tile::SCORE_PARTS * 16;
    const int scorePart = warp % Tile::SCORE_PARTS;
    const int keyPart = warp / Tile::VALUE_PARTS;
    const int valuePart = warp % Tile::VALUE_PARTS;
    ClusterOutput result;
#pragma unroll 1
    for (int tile = 0; tile < stream.count; tile += Tile::KEYS) {
        const int keys = stream.count - tile;
        if (tile > 0) {
            __syncthreads();
        }
        if (scoreKey < keys) {
            float s[4][4] = {};
            CacheF16::scores(s, stream.keyChunk, &shared.queries[0][g][128 * scorePart], DECODE_COLUMNS * (D + 32), t);
#pragma unroll
            for (int e = 0; e < 4; e++) {
                shared.scores[scorePart][2 * t + e % 2][scoreKey + g + e / 2 * 8] = (s[0][e] + s[1][e]) + (s[2][e] + s[3][e]);
            }
        }
        stream.loadKeys(tile + Tile::KEYS);
        __syncthreads();
        if (32 * keyPart < keys) {
            float s[2][4];
#pragma unroll
            for (int step = 0; step < 2; step++) {
                const int key = 32 * keyPart + 16 * step + 4 * t;
                float4 sum = *reinterpret_cast<const float4 *>(&shared.scores[0][g][key]);
#pragma unroll
                for (int part = 1; part < Tile::SCORE_PARTS; part++) {
                    const float4 other = *reinterpret_cast<const float4 *>(&shared.scores[part][g][key]);
                    sum = make_float4(sum.x + other.x, sum.y + other.y, sum.z + other.z, sum.w + other.w);
                }
                s[step][0] = key < keys ? sum.x : NOTHING;
                s[step][1] = key + 1 < keys ? sum.y : NOTHING;
                s[step][2] = key + 2 < keys ? sum.z : NOTHING;
                s[step][3] = key + 3 < keys ? sum.w : NOTHING;
            }
            result.add(s, stream.valueChunk, tile == 0);
        }
        stream.loadValues(tile + Tile::KEYS);
    }
    result.sum += __shfl_xor_sync(~0u, result.sum, 1);
    result.sum += __shfl_xor_sync(~0u, result.sum, 2);

    if (split.has(blockIdx.x, keyPart)) {
        const int part = blockIdx.x * Tile::KEY_PARTS + keyPart;
        if (valuePart == 0) {
#pragma unroll
            for (int block = t; block < CLUSTER_BLOCKS; block += 4) {
                sendTo(block, &shared.stats[part][g], &shared.arrived, make_float2(result.maximum, result.sum));
            }
        }
        const int dim = 64 * valuePart + 8 * g;
#pragma unroll
        for (int e = 0; e < 2; e++) {
            const float(&o)[4][4] = result.output;
            float *to = &shared.outputs[part][2 * t + e][dim % Tile::SHARE];
            sendTo(dim / Tile::SHARE, to, &shared.arrived, make_float4(o[0][e], o[0][e + 2], o[1][e], o[1][e + 2]));
            sendTo(dim / Tile::SHARE, to + 4, &shared.arrived, make_float4(o[2][e], o[2][e + 2], o[3][e], o[3][e + 2]));
        }
    }
    // No block ends before it has got everything.
    waitForBytes(&shared.arrived, 0);

    const int merger = threadIdx.x % Tile::MERGERS;
    const int dim = threadIdx.x / Tile::MERGERS * 4 % Tile::SHARE;
    const int column = threadIdx.x / Tile::MERGERS * 4 / Tile::SHARE;
    // Columns without a head take part in the shuffles, with what happens to be there.
    const float newScore = shared.newScore[column];
    float2 stats[Tile::MERGED_PARTS];
    float highest = newScore;
#pragma unroll
    for (int i = 0; i < Tile::MERGED_PARTS; i++) {
        const int part = merger * Tile::MERGED_PARTS + i;
        stats[i] = split.has(part / Tile::KEY_PARTS, part % Tile::KEY_PARTS) ? shared.stats[part][column] : make_float2(NOTHING, 0);
        highest = fmaxf(highest, stats[i].x);
    }
#pragma unroll
    for (int lanes = 1; lanes < Tile::MERGERS; lanes *= 2) {
        highest = fmaxf(highest, __shfl_xor_sync(~0u, highest, lanes));
    }
    float4 x = *reinterpret_cast<const float4 *>(&shared.newValue[dim]);
    float sum = merger == 0 ? PROBABILITY_SCALE * exp2Approximately((newScore - highest) * LOG2_E) : 0;
    x = make_float4(sum * x.x, sum * x.y, sum * x.z, sum * x.w);
#pragma unroll
    for (int i = 0; i < Tile::MERGED_PARTS; i++) {
        if (stats[i].x != NOTHING) {
            const float factor = exp2Approximately((stats[i].x - highest) * LOG2_E);
            const float4 part = *reinterpret_cast<const float4 *>(&shared.outputs[merger * Tile::MERGED_PARTS + i][column][dim]);
            sum = fmaf(factor, stats[i].y, sum);
            x = make_float4(fmaf(factor, part.x, x.x), fmaf(factor, part.y, x.y), fmaf(factor, part.z, x.z), fmaf(factor, part.w, x.w));
        }
    }
#pragma unroll
    for (int lanes = 1; lanes < Tile::MERGERS; lanes *= 2) {
        sum += __shfl_xor_sync(~0u, sum, lanes);
        x.x += __shfl_xor_sync(~0u, x.x, lanes);
        x.y += __shfl_xor_sync(~0u, x.y, lanes);
        x.z += __shfl_xor_sync(~0u, x.z, lanes);
        x.w += __shfl_xor_sync(~0u, x.w, lanes);
    }
    // The largest of the probabilities is 1, so the sum is not zero.
    const float inverse = __fdividef(1, sum);
    const float merged[4] = {x.x * inverse, x.y * inverse, x.z * inverse, x.w * inverse};
    storeAttended<4, Tile::MERGERS>(output, (firstHead + column) * D + blockIdx.x * Tile::SHARE + dim, merged, merger == 0 && column < columns);
}

#define ATTENTION_DECODE_CLUSTER_ENTRY(name, Cache, D)                                                                                    \
    extern "C" __global__ void __cluster_dims__(CLUSTER_BLOCKS, 1, 1) __launch_bounds__(ClusterTile<D>::THREADS, 2)                       \
        name(const float *plane0, const float *plane1, int parts, int heads, int kvHeads, int group, const float *queryNorm,              \
             const float *keyNorm, float epsilon, const float2 *turns, const int *position, const KvCacheRef *cache, int window,          \
             float *out, int8_t *outQ, float *outD, float *outS) {                                                                        \
        attentionDecodeCluster<Cache, D>({plane0, plane1, parts, heads, kvHeads, group, queryNorm, keyNorm, epsilon, turns, position,     \
                                          cache, window}, {out, outQ, outD, outS});                                                       \
    }
#else
#define ATTENTION_DECODE_CLUSTER_ENTRY(name, Cache, D)
#endif
