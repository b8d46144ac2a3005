// Attention of one token of each sequence over a compressed cache that already has its key and value: split keys, of which attention_combine or
// attention_combine_rotated put the results together. Arguments, grid and layouts: attention.md.
#pragma once

#include "attention_compressed.cuh"
#include "attention_split.cuh"
#include "dependent_launch.cuh"

struct CompressedDecodeArguments {
    const float *queries;
    int heads;
    int kvHeads;
    const int *positions;
    const KvCacheRef *caches;
    int window;
    int minSplitKeys;
    void *scratch;
};

// What a block takes of the positions first .. end - 1, where a position of the tail, being longer, counts as several.
template <bool TAIL>
struct WeightedSplit {
    static constexpr int TAIL_WEIGHT = 3;
    Split split;
    int codes;

    __device__ __forceinline__ WeightedSplit(int first, int end, int tailFrom, int minKeys)
        : codes((TAIL ? min(max(tailFrom, first), end) : end) - first) {
        split = splitOf(0, codes + TAIL_WEIGHT * (end - first - codes), (TAIL ? TAIL_WEIGHT : 1) * minKeys);
        const int from = keys(split.from);
        split.count = keys(split.from + split.count) - from;
        split.from = first + from;
    }

private:
    __device__ __forceinline__ int keys(int weight) const { return weight <= codes ? weight : codes + (weight - codes) / TAIL_WEIGHT; }
};

template <template <int> class CodesOf, int D, int DEPTH>
__device__ __forceinline__ void attentionDecodeCompressed(const CompressedDecodeArguments &a) {
    using Attention = CompressedAttention<CodesOf, D, 1, DEPTH, 2>;
    using Shape = typename Attention::Shape;
    __shared__ __align__(16) typename Shape::Shared shared;

    launchDependents();
    const int row = blockIdx.z;
    const int group = a.heads / a.kvHeads;
    const int kvHead = blockIdx.y % a.kvHeads;
    const int headOfGroup = blockIdx.y / a.kvHeads * Shape::COLUMNS;
    const int columns = min(group - headOfGroup, Shape::COLUMNS);
    const size_t firstHead = static_cast<size_t>(row) * a.heads + kvHead * group + headOfGroup;
    const KvCacheRef cache = a.caches[row];
    waitForPredecessors();

    const int position = __ldcg(a.positions + row);
    const int tailFrom = tailBegin(cache, position);
    const WeightedSplit<CodesOf<D>::ROTATED> weighted(max(0, position - a.window + 1), position + 1, tailFrom, a.minSplitKeys);
    const Split &split = weighted.split;
    if (split.idle()) {
        return;
    }
    Attention attention(shared);
    attention.clear();
    attention.attend(cache, kvHead, split.from, split.count, tailFrom, WholeRun(), [&] {
        const float *queries = a.queries + firstHead * D;
        for (int i = threadIdx.x * 4; i < columns * D; i += Shape::THREADS * 4) {
            const float4 q = __ldcg(reinterpret_cast<const float4 *>(queries + i));
            const SplitPair first = splitPair(q.x, q.y);
            const SplitPair second = splitPair(q.z, q.w);
            *reinterpret_cast<uint2 *>(&shared.queries[0][i / D][queryPlace(i % D)]) = make_uint2(first.high, second.high);
            *reinterpret_cast<uint2 *>(&shared.queries[1][i / D][queryPlace(i % D)]) = make_uint2(first.low, second.low);
        }
        __syncthreads();
    });
    const Partials<D, Shape::COLUMNS> partials(a.scratch, gridDim.y * gridDim.z, gridDim.x);
    storeResult<D>(attention, split, blockIdx.z * gridDim.y + blockIdx.y, partials, nullptr, AttentionOutput(),
                   [&](int column) { return column < columns ? static_cast<int64_t>(firstHead + column) * D : -1; });
}

// BLOCKS: how many of them share a multiprocessor.
#define ATTENTION_DECODE_COMPRESSED_ENTRY(name, Codes, D, DEPTH, BLOCKS)                                                                          \
    extern "C" __global__ void __launch_bounds__(D / 2, BLOCKS) name(const float *queries, int heads, int kvHeads, const int *positions,          \
                                                                     const KvCacheRef *caches, int window, int minSplitKeys, void *scratch) {     \
        attentionDecodeCompressed<Codes, D, DEPTH>({queries, heads, kvHeads, positions, caches, window, minSplitKeys, scratch});                  \
    }
