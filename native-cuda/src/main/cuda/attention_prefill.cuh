// Attention of many rows over the caches of their sequences: a block takes the query heads of a key/value head for as many rows as fit into its
// columns. Arguments, grid and layouts: attention.md.
#pragma once

#include "attention_split.cuh"
#include "dependent_launch.cuh"

constexpr int PREFILL_COLUMNS = 32;

struct PrefillArguments {
    const float *queries;
    int queryStride;
    int rows;
    int heads;
    int kvHeads;
    const int *positions;
    const int *sequences;
    const KvCacheRef *caches;
    int window;
    int minSplitKeys;
    void *scratch;
    unsigned *counters;
    float *out;
    int outStride;
};

template <class Cache, int D>
struct PrefillShared {
    typename Streaming<Cache, D, PREFILL_COLUMNS / 8>::Shared stream;
    // Of a block's rows: first and last position seen (first > last: none), and the sequence.
    int2 visible[PREFILL_COLUMNS];
    int sequence[PREFILL_COLUMNS];
};

// Rows first .. end - 1 belong to one sequence; this block's share of the positions that any of them sees.
struct Segment {
    int first;
    int end;
    Split split;
};

template <class Shared>
__device__ __forceinline__ Segment segmentFrom(const Shared &shared, int first, int rows, int minSplitKeys) {
    int from = INT32_MAX;
    int last = -1;
    int end = first;
    for (; end < rows && shared.sequence[end] == shared.sequence[first]; end++) {
        from = min(from, shared.visible[end].x);
        last = max(last, shared.visible[end].y);
    }
    return {first, end, last < 0 ? splitOf(0, 0, minSplitKeys) : splitOf(from, last + 1 - from, minSplitKeys)};
}

template <class Cache, int D, int DEPTH>
__device__ __forceinline__ void attentionPrefill(const PrefillArguments &a) {
    using Element = typename Cache::Element;
    using Shape = Streaming<Cache, D, PREFILL_COLUMNS / 8>;
    extern __shared__ __align__(16) unsigned char sharedBytes[];
    PrefillShared<Cache, D> &shared = *reinterpret_cast<PrefillShared<Cache, D> *>(sharedBytes);

    const int group = a.heads / a.kvHeads;
    const int blockRows = PREFILL_COLUMNS / group;
    const int kvHead = blockIdx.y;
    const int firstRow = blockIdx.z * blockRows;
    const int rows = min(blockRows, a.rows - firstRow);

    launchDependents();
    waitForPredecessors();
    if (static_cast<int>(threadIdx.x) < rows) {
        const int position = __ldcg(a.positions + firstRow + threadIdx.x);
        shared.visible[threadIdx.x] = position < 0 ? make_int2(INT32_MAX, -1) : make_int2(max(0, position - a.window + 1), position);
        shared.sequence[threadIdx.x] = __ldcg(a.sequences + firstRow + threadIdx.x);
    }
    for (int i = threadIdx.x * 4; i < rows * group * D; i += Shape::THREADS * 4) {
        const int column = i / D;
        const int dim = i % D;
        const size_t at = static_cast<size_t>(firstRow + column / group) * a.queryStride + (kvHead * group + column % group) * D + dim;
        const float4 q = __ldcg(reinterpret_cast<const float4 *>(a.queries + at));
        const SplitPair first = splitPair(q.x, q.y);
        const SplitPair second = splitPair(q.z, q.w);
        *reinterpret_cast<uint2 *>(&shared.stream.queries[0][column][dim]) = make_uint2(first.high, second.high);
        *reinterpret_cast<uint2 *>(&shared.stream.queries[1][column][dim]) = make_uint2(first.low, second.low);
    }
    __syncthreads();

    Split whole = {0, 0, 1};
    for (int row = 0; row < rows;) {
        const Segment segment = segmentFrom(shared, row, rows, a.minSplitKeys);
        whole.splits = max(whole.splits, segment.split.splits);
        row = segment.end;
    }
    if (whole.idle()) {
        return;
    }
    AttentionStream<Cache, D, PREFILL_COLUMNS / 8, DEPTH> stream(shared.stream);
    stream.clear();
    for (int row = 0; row < rows;) {
        const Segment segment = segmentFrom(shared, row, rows, a.minSplitKeys);
        if (segment.split.count > 0) {
            const KvCacheRef cache = a.caches[shared.sequence[row]];
            const size_t headOffset = static_cast<size_t>(kvHead) * cache.slots * D;
            const CachedRun<Element> run = {static_cast<const Element *>(cache.keys) + headOffset,
                                            static_cast<const Element *>(cache.values) + headOffset, cache.slots, segment.split.from,
                                            segment.split.count};
            const auto visible = [&](int column, int position) {
                const int of = column / group;
                return of >= segment.first && of < segment.end && position >= shared.visible[of].x && position <= shared.visible[of].y;
            };
            stream.attend(run, visible, [] {});
        }
        row = segment.end;
    }
    const int unit = blockIdx.z * gridDim.y + blockIdx.y;
    const Partials<D, PREFILL_COLUMNS> partials(a.scratch, gridDim.y * gridDim.z, gridDim.x);
    storeResult<D>(stream, whole, unit, partials, a.counters, {a.out, nullptr, nullptr, nullptr},
                   [&](int column) {
                       const int row = column / group;
                       return column < rows * group ? static_cast<int64_t>(firstRow + row) * a.outStride + (kvHead * group + column % group) * D : -1;
                   });
}

#define ATTENTION_PREFILL_ENTRY(name, Cache, D, DEPTH)                                                                                    \
    extern "C" __global__ void __launch_bounds__(D / 2)                                                                                   \
        name(const float *queries, int queryStride, int rows, int heads, int kvHeads, const int *positions, const int *sequences,         \
             const KvCacheRef *caches, int window, int minSplitKeys, void *scratch, unsigned *counters, float *out, int outStride) {      \
        attentionPrefill<Cache, D, DEPTH>(                                                                                                \
            {queries, queryStride, rows, heads, kvHeads, positions, sequences, caches, window, minSplitKeys, scratch, counters, out,      \
             outStride});                                                                                                                 \
    }
