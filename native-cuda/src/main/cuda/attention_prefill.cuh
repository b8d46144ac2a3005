// Attention of many rows over the caches of their sequences: a block takes the query heads of a key/value head for as many rows as fit into its
// columns. Arguments, grid and layouts: attention.md.
#pragma once

#include "attention_split.cuh"
#include "dependent_launch.cuh"
#include "head_codes.cuh"

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

template <class Attention>
struct PrefillShared {
    typename Attention::Shape::Shared stream;
    // Of a block's rows: first and last position seen (first > last: none), and the sequence.
    int2 visible[PREFILL_COLUMNS];
    int sequence[PREFILL_COLUMNS];
};

// Rows first .. end - 1 belong to one sequence; this block's share of the positions that any of them sees.
struct Segment {
    int first;
    int end;
    int firstPosition;
    Split split;
};

template <class Shared>
__device__ __forceinline__ Segment segmentFrom(const Shared &shared, int first, int rows, int minSplitKeys) {
    int from = INT32_MAX;
    int last = -1;
    int end = first;
    int firstPosition = INT32_MAX - TAIL_TILE;
    for (; end < rows && shared.sequence[end] == shared.sequence[first]; end++) {
        from = min(from, shared.visible[end].x);
        last = max(last, shared.visible[end].y);
        if (shared.visible[end].y >= 0) {
            firstPosition = min(firstPosition, shared.visible[end].y);
        }
    }
    return {first, end, firstPosition, last < 0 ? splitOf(0, 0, minSplitKeys) : splitOf(from, last + 1 - from, minSplitKeys)};
}

// Brings a block's queries to shared memory, four elements at a time; those of rotated caches are rotated, those of derived keys multiplied with keyNorm.
template <int D, class Attention>
__device__ __forceinline__ void loadQueries(typename Attention::Shape::Shared &shared, const float *queries, int rowStride, int group, int columns,
                                            const float *keyNorm) {
    const auto store = [&](int column, int dim, float4 q) {
        const SplitPair first = splitPair(q.x, q.y);
        const SplitPair second = splitPair(q.z, q.w);
        const int place = Attention::queryPlace(dim);
        *reinterpret_cast<uint2 *>(&shared.queries[0][column][place]) = make_uint2(first.high, second.high);
        *reinterpret_cast<uint2 *>(&shared.queries[1][column][place]) = make_uint2(first.low, second.low);
    };
    const auto head = [&](int column) { return queries + static_cast<size_t>(column / group) * rowStride + column % group * D; };
    if constexpr (Attention::ROTATED) {
        for (int column = threadIdx.x / 32; column < columns; column += Attention::Shape::WARPS) {
            HeadLane<D> lane;
            lane.load(head(column));
            rotate_head(lane);
#pragma unroll
            for (int i = 0; i < 2 * HeadLane<D>::GROUPS; i++) {
                const float *x = &lane.x[i / HeadLane<D>::GROUPS][i % HeadLane<D>::GROUPS * 4];
                store(column, HeadLane<D>::element(i / HeadLane<D>::GROUPS, i % HeadLane<D>::GROUPS), make_float4(x[0], x[1], x[2], x[3]));
            }
        }
    } else {
        for (int i = threadIdx.x * 4; i < columns * D; i += Attention::Shape::THREADS * 4) {
            float4 q = __ldcg(reinterpret_cast<const float4 *>(head(i / D) + i % D));
            if (Attention::DERIVED && !isStoredOfDerived(i % D)) {
                const float4 w = *reinterpret_cast<const float4 *>(keyNorm + i % D);
                q = make_float4(q.x * w.x, q.y * w.y, q.z * w.z, q.w * w.w);
            }
            store(i / D, i % D, q);
        }
    }
}

template <class Attention, int D>
__device__ __forceinline__ void attentionPrefill(const PrefillArguments &a) {
    extern __shared__ __align__(16) unsigned char sharedBytes[];
    PrefillShared<Attention> &shared = *reinterpret_cast<PrefillShared<Attention> *>(sharedBytes);

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
    loadQueries<D, Attention>(shared.stream, a.queries + static_cast<size_t>(firstRow) * a.queryStride + kvHead * group * D, a.queryStride, group,
                              rows * group, a.caches[__ldcg(a.sequences + firstRow)].keyNorm);
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
    Attention attention(shared.stream);
    attention.clear();
    for (int row = 0; row < rows;) {
        const Segment segment = segmentFrom(shared, row, rows, a.minSplitKeys);
        if (segment.split.count > 0) {
            const KvCacheRef cache = a.caches[shared.sequence[row]];
            const auto visible = [&](int column, int position) {
                const int of = column / group;
                return of >= segment.first && of < segment.end && position >= shared.visible[of].x && position <= shared.visible[of].y;
            };
            attention.attend(cache, kvHead, segment.split.from, segment.split.count, tailBegin(cache, segment.firstPosition), visible, [] {});
        }
        row = segment.end;
    }
    const int unit = blockIdx.z * gridDim.y + blockIdx.y;
    const Partials<D, PREFILL_COLUMNS> partials(a.scratch, gridDim.y * gridDim.z, gridDim.x);
    storeResult<D>(attention, whole, unit, partials, a.counters, {a.out, nullptr, nullptr, nullptr},
                   [&](int column) {
                       const int row = column / group;
                       return column < rows * group ? static_cast<int64_t>(firstRow + row) * a.outStride + (kvHead * group + column % group) * D : -1;
                   });
}

// SHARED_BYTES: what the host launches it with. ...: the attention, a CachedAttention or CompressedAttention.
#define ATTENTION_PREFILL_ENTRY(name, D, SHARED_BYTES, ...)                                                                               \
    extern "C" __global__ void __launch_bounds__(D / 2)                                                                                   \
        name(const float *queries, int queryStride, int rows, int heads, int kvHeads, const int *positions, const int *sequences,         \
             const KvCacheRef *caches, int window, int minSplitKeys, void *scratch, unsigned *counters, float *out, int outStride) {      \
        static_assert(sizeof(PrefillShared<__VA_ARGS__>) == SHARED_BYTES, "the host launches it with these");                             \
        attentionPrefill<__VA_ARGS__, D>(                                                                                                 \
            {queries, queryStride, rows, heads, kvHeads, positions, sequences, caches, window, minSplitKeys, scratch, counters, out,      \
             outStride});                                                                                                                 \
    }
