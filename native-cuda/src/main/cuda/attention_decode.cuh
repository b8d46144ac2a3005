// Attention of one token from the raw projections on: norms, rotation, append, and parts of the result for attention_combine.
// Arguments, grid and layouts: attention.md.
#pragma once

#include "attention_split.cuh"
#include "dependent_launch.cuh"

constexpr int DECODE_COLUMNS = 8;
constexpr float TURN = 6.283185307179586f;

struct DecodeArguments {
    const float *plane0;
    const float *plane1;
    int parts;
    int heads;
    int kvHeads;
    int group;
    const float *queryNorm;
    const float *keyNorm;
    float epsilon;
    const float2 *turns;
    const int *position;
    const KvCacheRef *cache;
    int window;
};

// A head of the new token, one warp: a lane has four elements of each run of 128 of the first half, and their partners in the second.
template <int D>
struct HeadVector {
    static constexpr int RUNS = D / 256;
    float x[2][RUNS][4];

    static __device__ __forceinline__ int dim(int half, int run) { return half * (D / 2) + run * 128 + threadIdx.x % 32 * 4; }

    __device__ __forceinline__ void load(const float *plane0, const float *plane1) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
#pragma unroll
            for (int run = 0; run < RUNS; run++) {
                const float4 a = __ldcg(reinterpret_cast<const float4 *>(plane0 + dim(half, run)));
                float4 b = make_float4(0, 0, 0, 0);
                if (plane1 != nullptr) {
                    b = __ldcg(reinterpret_cast<const float4 *>(plane1 + dim(half, run)));
                }
                x[half][run][0] = a.x + b.x;
                x[half][run][1] = a.y + b.y;
                x[half][run][2] = a.z + b.z;
                x[half][run][3] = a.w + b.w;
            }
        }
    }

    // rotations: of the pairs (i, i + D / 2).
    __device__ __forceinline__ void rotate(const float2 *rotations) {
#pragma unroll
        for (int run = 0; run < RUNS; run++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const float2 cosSin = rotations[dim(0, run) + i];
                const float a = x[0][run][i];
                const float b = x[1][run][i];
                x[0][run][i] = a * cosSin.x - b * cosSin.y;
                x[1][run][i] = b * cosSin.x + a * cosSin.y;
            }
        }
    }

    // weight: in shared memory, null for none.
    __device__ __forceinline__ void norm(const float *weight, float epsilon) {
        float squares = 0;
#pragma unroll
        for (int i = 0; i < 8 * RUNS; i++) {
            const float value = (&x[0][0][0])[i];
            squares = fmaf(value, value, squares);
        }
#pragma unroll
        for (int lanes = 1; lanes < 32; lanes *= 2) {
            squares += __shfl_xor_sync(0xffffffff, squares, lanes);
        }
        const float scale = rsqrtf(squares * (1.0f / D) + epsilon);
#pragma unroll
        for (int half = 0; half < 2; half++) {
#pragma unroll
            for (int run = 0; run < RUNS; run++) {
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    x[half][run][i] *= scale;
                    if (weight != nullptr) {
                        x[half][run][i] *= weight[dim(half, run) + i];
                    }
                }
            }
        }
    }
};

// {cosine, sine} of the angle of a pair. Turns are a sum of two floats: the fraction of position * turns is then exact to about 2^-24 at any
// position below 2^24.
__device__ __forceinline__ float2 rotation(float2 turns, int position) {
    const float at = static_cast<float>(position);
    const float whole = at * turns.x;
    const float rest = fmaf(at, turns.x, -whole) + at * turns.y;
    // Within half a turn the fast functions are exact to 2^-21, as queries are that come as two halves; the others would be a third of the kernel.
    float2 cosSin;
    __sincosf(TURN * (whole - rintf(whole) + rest), &cosSin.y, &cosSin.x);
    return cosSin;
}

template <class Cache, int D>
struct DecodeShared {
    using Shape = Streaming<Cache, D, 1>;
    typename Shape::Shared stream;
    float queryNorm[D];
    float keyNorm[D];
    float2 rotations[D / 2];
    // The new token's key and value, as the cache holds them, and the scores of its queries with its key.
    float key[D];
    float value[D];
    float score[DECODE_COLUMNS];
};

// The heads a block needs of the new token: the queries of its columns and, for the block that takes the new token, its key and its value.
template <int D>
struct BlockHeads {
    int firstHead;
    int columns;
    int vectors;

    static constexpr int WARPS = D / 64;
    // Vectors of a warp at most.
    static constexpr int ROUNDS = (DECODE_COLUMNS + 2 + WARPS - 1) / WARPS;

    __device__ __forceinline__ bool isKey(int vector) const { return vector == columns; }
    __device__ __forceinline__ bool isValue(int vector) const { return vector > columns; }

    // All of the warp's at once, before keys are asked for: what comes later waits behind them.
    __device__ __forceinline__ void load(HeadVector<D> (&heads)[ROUNDS], const DecodeArguments &a, int kvHead) const {
#pragma unroll
        for (int round = 0; round < ROUNDS; round++) {
            const int vector = round * WARPS + threadIdx.x / 32;
            if (vector < vectors) {
                const int plane = vector < columns ? firstHead + vector : a.heads + (isValue(vector) && a.parts == 3 ? a.kvHeads : 0) + kvHead;
                heads[round].load(a.plane0 + plane * D, a.plane1 == nullptr ? nullptr : a.plane1 + plane * D);
            }
        }
    }
};

// Norm and rotation of the block's heads; queries go to shared memory, the new key and value there and, if there is a slot for them, to the
// cache. heads: the warp's, loaded.
template <class Cache, int D>
__device__ __forceinline__ void prepareHeads(DecodeShared<Cache, D> &shared, const DecodeArguments &a, const BlockHeads<D> &block,
                                             HeadVector<D> (&heads)[BlockHeads<D>::ROUNDS], typename Cache::Element *keySlot,
                                             typename Cache::Element *valueSlot) {
    using Element = typename Cache::Element;
#pragma unroll
    for (int round = 0; round < BlockHeads<D>::ROUNDS; round++) {
        const int vector = round * BlockHeads<D>::WARPS + threadIdx.x / 32;
        if (vector >= block.vectors) {
            break;
        }
        HeadVector<D> &head = heads[round];
        head.norm(vector < block.columns ? shared.queryNorm : block.isKey(vector) ? shared.keyNorm : nullptr, a.epsilon);
        if (!block.isValue(vector)) {
            head.rotate(shared.rotations);
        }
#pragma unroll
        for (int half = 0; half < 2; half++) {
#pragma unroll
            for (int run = 0; run < HeadVector<D>::RUNS; run++) {
                const int dim = HeadVector<D>::dim(half, run);
                const float(&x)[4] = head.x[half][run];
                if (vector < block.columns) {
                    const SplitPair first = splitPair(x[0], x[1]);
                    const SplitPair second = splitPair(x[2], x[3]);
                    *reinterpret_cast<uint2 *>(&shared.stream.queries[0][vector][dim]) = make_uint2(first.high, second.high);
                    *reinterpret_cast<uint2 *>(&shared.stream.queries[1][vector][dim]) = make_uint2(first.low, second.low);
                } else {
                    const float4 exact = make_float4(x[0], x[1], x[2], x[3]);
                    *reinterpret_cast<float4 *>((block.isKey(vector) ? shared.key : shared.value) + dim) = asCached(Element(), exact);
                    if (keySlot != nullptr) {
                        if (!Cache::DERIVED || !block.isKey(vector)) {
                            storeCached((block.isKey(vector) ? keySlot : valueSlot) + dim, exact);
                        } else if (isStoredOfDerived(dim)) {
                            storeCached(keySlot + placeInDerived(dim), exact);
                        }
                    }
                }
            }
        }
    }
    __syncthreads();
}

// The new token's own key and value, which are not read back from the cache: where the running softmax starts.
template <class Cache, int D, class Stream>
__device__ __forceinline__ void startWithNewToken(DecodeShared<Cache, D> &shared, Stream &stream, int columns) {
    const int warp = threadIdx.x / 32;
    const int lane = threadIdx.x % 32;
#pragma unroll 2
    for (int column = warp; column < columns; column += D / 64) {
        float score = 0;
#pragma unroll
        for (int dim = 4 * lane; dim < D; dim += 128) {
            const uint2 high = *reinterpret_cast<const uint2 *>(&shared.stream.queries[0][column][dim]);
            const uint2 low = *reinterpret_cast<const uint2 *>(&shared.stream.queries[1][column][dim]);
            const float4 key = *reinterpret_cast<const float4 *>(shared.key + dim);
            score = fmaf(half_to_float(high.x & 0xffff) + half_to_float(low.x & 0xffff), key.x, score);
            score = fmaf(half_to_float(high.x >> 16) + half_to_float(low.x >> 16), key.y, score);
            score = fmaf(half_to_float(high.y & 0xffff) + half_to_float(low.y & 0xffff), key.z, score);
            score = fmaf(half_to_float(high.y >> 16) + half_to_float(low.y >> 16), key.w, score);
        }
#pragma unroll
        for (int lanes = 1; lanes < 32; lanes *= 2) {
            score += __shfl_xor_sync(0xffffffff, score, lanes);
        }
        if (lane == 0) {
            shared.score[column] = score;
        }
    }
    __syncthreads();
    const float *value = shared.value + 64 * warp + 8 * (lane / 4);
#pragma unroll
    for (int e = 0; e < 2; e++) {
        if (2 * (lane % 4) + e < columns) {
            stream.maximum[0][e] = shared.score[2 * (lane % 4) + e];
            stream.sum[0][e] = threadIdx.x < 4 ? PROBABILITY_SCALE : 0;
#pragma unroll
            for (int i = 0; i < 8; i++) {
                stream.output[0][i / 2][e + i % 2 * 2] = PROBABILITY_SCALE * value[i];
            }
        }
    }
}

template <class Cache, int D, int DEPTH>
__device__ __forceinline__ void attentionDecode(const DecodeArguments &a, int minSplitKeys, void *scratch) {
    using Element = typename Cache::Element;
    __shared__ __align__(16) DecodeShared<Cache, D> shared;

    launchDependents();
    int kvHead = blockIdx.y;
    int headOfGroup = 0;
    for (; kvHead >= a.kvHeads; kvHead -= a.kvHeads) {
        headOfGroup += DECODE_COLUMNS;
    }
    const int columns = min(a.group - headOfGroup, DECODE_COLUMNS);
    const bool appends = a.parts > 1;
    const BlockHeads<D> block = {kvHead * a.group + headOfGroup, columns, columns + (appends && blockIdx.x == 0 ? 2 : 0)};

    const KvCacheRef cache = *a.cache;
    reinterpret_cast<float2 *>(shared.queryNorm)[threadIdx.x] = reinterpret_cast<const float2 *>(a.queryNorm)[threadIdx.x];
    if (appends) {
        reinterpret_cast<float2 *>(shared.keyNorm)[threadIdx.x] = reinterpret_cast<const float2 *>(a.keyNorm)[threadIdx.x];
    }
    const float2 turns = a.turns[threadIdx.x];
    waitForPredecessors();

    const int position = __ldcg(a.position);
    HeadVector<D> heads[BlockHeads<D>::ROUNDS];
    block.load(heads, a, kvHead);
    // The owner of the cache attends to the new token from its own registers.
    const int first = max(0, position - a.window + 1);
    const Split split = splitOf(first, max(0, position + (appends ? 0 : 1) - first), minSplitKeys);
    if (split.idle()) {
        return;
    }
    const CachedRun<Element> run = runOf<Cache, D>(cache, kvHead, split.from, split.count);

    AttentionStream<Cache, D, 1, DEPTH> stream(shared.stream);
    stream.clear();
    const auto prepare = [&] {
        const bool takesNewToken = block.vectors > columns;
        const size_t slot = static_cast<size_t>(kvHead) * cache.slots + position % cache.slots;
        const bool stores = takesNewToken && headOfGroup == 0;
        shared.rotations[threadIdx.x] = rotation(turns, position);
        __syncthreads();
        prepareHeads<Cache, D>(shared, a, block, heads,
                               stores ? static_cast<Element *>(cache.keys) + slot * Cache::template KEY_ELEMENTS<D> : nullptr,
                               stores ? static_cast<Element *>(cache.values) + slot * D : nullptr);
        if (takesNewToken) {
            startWithNewToken<Cache, D>(shared, stream, columns);
        }
    };
    stream.attend(run, WholeRun(), prepare);
    const Partials<D, DECODE_COLUMNS> partials(scratch, gridDim.y, gridDim.x);
    storeResult<D>(stream, split, blockIdx.y, partials, nullptr, AttentionOutput(), [&](int column) { return column < columns ? 0 : -1; });
}

// BLOCKS: how many of them share a multiprocessor.
#define ATTENTION_DECODE_ENTRY(name, Cache, D, DEPTH, BLOCKS)                                                                             \
    extern "C" __global__ void __launch_bounds__(D / 2, BLOCKS)                                                                           \
        name(const float *plane0, const float *plane1, int parts, int heads, int kvHeads, int group, const float *queryNorm,              \
             const float *keyNorm, float epsilon, const float2 *turns, const int *position, const KvCacheRef *cache, int window,          \
             int minSplitKeys, void *scratch) {                                                                                           \
        attentionDecode<Cache, D, DEPTH>(                                                                                                 \
            {plane0, plane1, parts, heads, kvHeads, group, queryNorm, keyNorm, epsilon, turns, position, cache, window}, minSplitKeys,    \
            scratch);                                                                                                                     \
    }
