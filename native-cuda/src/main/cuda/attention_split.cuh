// Keys split among the blocks of a unit (a key/value head of a token, or of a block of rows), and their partial results put together again:
// the last block of a unit to finish does it, or a kernel of its own.
#pragma once

#include "attention_output.cuh"
#include "attention_stream.cuh"

// Splits of a unit at most: what shared memory holds factors for.
constexpr int MAX_SPLITS = 128;

// What this block takes of the positions first .. first + count - 1, and how many blocks take any. At least one does, even of none.
struct Split {
    int from;
    int count;
    int splits;
    __device__ __forceinline__ bool idle() const { return blockIdx.x >= splits; }
};

__device__ __forceinline__ Split splitOf(int first, int count, int minKeys) {
    const int even = (count + gridDim.x - 1) / gridDim.x;
    const int keys = (max(even, max(minKeys, 1)) + 15) / 16 * 16;
    const int offset = blockIdx.x * keys;
    return {first + offset, min(keys, count - offset), max(1, (count + keys - 1) / keys)};
}

// Scratch memory: outputs [unit][split][column][D], not yet divided by the sum; {maximum, sum} [unit][split][column]; splits used [unit].
template <int D>
struct Partials {
    float *outputs;
    float2 *stats;
    int *used;
    int splits;
    int columns;

    __device__ __forceinline__ Partials(void *scratch, int units, int splits, int columns)
        : outputs(static_cast<float *>(scratch)),
          stats(reinterpret_cast<float2 *>(outputs + static_cast<size_t>(units) * splits * columns * D)),
          used(reinterpret_cast<int *>(stats + static_cast<size_t>(units) * splits * columns)), splits(splits), columns(columns) {}

    __device__ __forceinline__ size_t index(int unit, int split, int column) const {
        return (static_cast<size_t>(unit) * splits + split) * columns + column;
    }
};

__device__ __forceinline__ float reciprocalOrZero(float sum) {
    return sum > 0 ? 1 / sum : 0;
}

// A warp turns the statistics of a column into one factor for each split, such that the output is the sum of factor * partial output.
template <int D>
__device__ __forceinline__ void splitFactors(const Partials<D> &partials, int unit, int column, int used, float *factors) {
    constexpr int PER_LANE = MAX_SPLITS / 32;
    const int lane = threadIdx.x % 32;
    float2 stats[PER_LANE];
    float highest = NOTHING;
#pragma unroll
    for (int i = 0; i < PER_LANE; i++) {
        const int split = 32 * i + lane;
        stats[i] = split < used ? __ldcg(&partials.stats[partials.index(unit, split, column)]) : make_float2(NOTHING, 0);
        highest = fmaxf(highest, stats[i].x);
    }
#pragma unroll
    for (int lanes = 1; lanes < 32; lanes *= 2) {
        highest = fmaxf(highest, __shfl_xor_sync(0xffffffff, highest, lanes));
    }
    const float base = highest == NOTHING ? 0 : highest;
    float sum = 0;
#pragma unroll
    for (int i = 0; i < PER_LANE; i++) {
        stats[i].x = exp2Approximately((stats[i].x - base) * LOG2_E);
        sum += stats[i].y * stats[i].x;
    }
#pragma unroll
    for (int lanes = 1; lanes < 32; lanes *= 2) {
        sum += __shfl_xor_sync(0xffffffff, sum, lanes);
    }
    const float inverse = reciprocalOrZero(sum);
#pragma unroll
    for (int i = 0; i < PER_LANE; i++) {
        if (32 * i + lane < used) {
            factors[32 * i + lane] = stats[i].x * inverse;
        }
    }
}

// Four consecutive dimensions of a column over the splits first, first + step, ...
template <int D>
__device__ __forceinline__ void addPartials(const Partials<D> &partials, int unit, int column, int dim, int first, int step, int used,
                                            const float *factors, float (&x)[4]) {
    const float *from = partials.outputs + partials.index(unit, 0, column) * D + dim;
    const size_t stride = static_cast<size_t>(partials.columns) * D;
#pragma unroll 8
    for (int split = first; split < used; split += step) {
        const float4 part = __ldcg(reinterpret_cast<const float4 *>(from + split * stride));
        const float factor = factors[split];
        x[0] = fmaf(factor, part.x, x[0]);
        x[1] = fmaf(factor, part.y, x[1]);
        x[2] = fmaf(factor, part.z, x[2]);
        x[3] = fmaf(factor, part.w, x[3]);
    }
}

// Ends a block: its result goes to scratch, and whoever comes last of a unit combines; without counters it stays there. DIRECT: a unit's only
// block goes straight to the output. Destination(column) is the column's index in the output, negative for columns without one. Shared memory
// of at least splits * columns floats is used again.
template <int D, bool DIRECT, class Stream, class Destination>
__device__ __forceinline__ void storeResult(Stream &stream, const Split &split, int unit, const Partials<D> &partials, unsigned *counters,
                                            float *shared, const AttentionOutput &to, Destination destination) {
    const int warp = threadIdx.x / 32;
    const int dim = 64 * warp + 8 * (threadIdx.x % 32 / 4);
    static_assert(MAX_SPLITS * Stream::Shape::COLUMNS * sizeof(float) <= sizeof(Stream::Shape::Shared::queries), "factors fit");
    const bool alone = DIRECT && split.splits == 1 && counters != nullptr;
    stream.finish();
#pragma unroll
    for (int n = 0; n < Stream::Shape::COLUMNS / 8; n++) {
#pragma unroll
        for (int e = 0; e < 2; e++) {
            const int column = 8 * n + 2 * (threadIdx.x % 4) + e;
            float x[8];
#pragma unroll
            for (int i = 0; i < 8; i++) {
                x[i] = stream.output[n][i / 2][e + i % 2 * 2];
            }
            if (alone) {
                const float inverse = reciprocalOrZero(stream.sum[n][e]);
#pragma unroll
                for (int i = 0; i < 8; i++) {
                    x[i] *= inverse;
                }
                const long index = destination(column);
                storeAttended<8, 4>(to, index + dim, x, index >= 0);
            } else if (column < partials.columns) {
                const size_t index = partials.index(unit, blockIdx.x, column);
                float4 *at = reinterpret_cast<float4 *>(partials.outputs + index * D + dim);
                at[0] = make_float4(x[0], x[1], x[2], x[3]);
                at[1] = make_float4(x[4], x[5], x[6], x[7]);
                if (threadIdx.x < 4) {
                    partials.stats[index] = make_float2(stream.maximum[n][e], stream.sum[n][e]);
                }
            }
        }
    }
    if (counters == nullptr) {
        if (blockIdx.x == 0 && threadIdx.x == 0) {
            partials.used[unit] = split.splits;
        }
        return;
    }
    if (alone) {
        return;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        // Wraps to zero with the last arrival, ready for the next launch.
        shared[0] = atomicInc(&counters[unit], split.splits - 1) == split.splits - 1;
        __threadfence();
    }
    __syncthreads();
    const bool last = shared[0] != 0;
    __syncthreads();
    if (!last) {
        return;
    }
#pragma unroll 1
    for (int column = warp; column < partials.columns; column += Stream::Shape::WARPS) {
        splitFactors(partials, unit, column, split.splits, shared + column * split.splits);
    }
    __syncthreads();
#pragma unroll 1
    for (int i = threadIdx.x; i < partials.columns * (D / 4); i += Stream::Shape::THREADS) {
        const int column = i / (D / 4);
        const int at = i % (D / 4) * 4;
        const long index = destination(column);
        float x[4] = {};
        if (index >= 0) {
            addPartials(partials, unit, column, at, 0, 1, split.splits, shared + column * split.splits, x);
        }
        storeAttended<4, 1>(to, index + at, x, index >= 0);
    }
}
