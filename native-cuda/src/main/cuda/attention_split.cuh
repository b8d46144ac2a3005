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

// Scratch memory: outputs not yet divided by the sum, [unit][split][4 * column tiles][warp][lane] x float4 in the order in which lanes hold
// them; {maximum, sum} [unit][split][column]; splits used [unit].
template <int D, int COLUMNS>
struct Partials {
    static constexpr int WARPS = D / 64;
    static constexpr int VECTORS = COLUMNS / 2;
    float4 *outputs;
    float2 *stats;
    int *used;
    int splits;

    __device__ __forceinline__ Partials(void *scratch, int units, int splits)
        : outputs(static_cast<float4 *>(scratch)), stats(reinterpret_cast<float2 *>(outputs + static_cast<size_t>(units) * splits * (COLUMNS * D / 4))),
          used(reinterpret_cast<int *>(stats + static_cast<size_t>(units) * splits * COLUMNS)), splits(splits) {}

    __device__ __forceinline__ float4 *output(int unit, int split, int warp) const {
        return outputs + (static_cast<size_t>(unit) * splits + split) * (COLUMNS * D / 4) + warp * 32 + threadIdx.x % 32;
    }

    __device__ __forceinline__ float2 *stat(int unit, int split, int column) const {
        return stats + (static_cast<size_t>(unit) * splits + split) * COLUMNS + column;
    }
};

__device__ __forceinline__ float reciprocalOrZero(float sum) {
    return sum > 0 ? 1 / sum : 0;
}

// A warp turns the statistics of a column into one factor for each split, such that the output is the sum of factor * partial output.
template <class Partials>
__device__ __forceinline__ void splitFactors(const Partials &partials, int unit, int column, int used, float *factors) {
    constexpr int PER_LANE = MAX_SPLITS / 32;
    const int lane = threadIdx.x % 32;
    float2 stats[PER_LANE];
    float highest = NOTHING;
#pragma unroll
    for (int i = 0; i < PER_LANE; i++) {
        const int split = 32 * i + lane;
        stats[i] = split < used ? __ldcg(partials.stat(unit, split, column)) : make_float2(NOTHING, 0);
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

// Eight consecutive dimensions of a column, as a lane holds them: vectors 2 * pair and 2 * pair + 1 of Partials.
struct Eight {
    float x[8];

    __device__ __forceinline__ void add(float factor, const float4 &low, const float4 &high) {
        x[0] = fmaf(factor, low.x, x[0]);
        x[1] = fmaf(factor, low.y, x[1]);
        x[2] = fmaf(factor, low.z, x[2]);
        x[3] = fmaf(factor, low.w, x[3]);
        x[4] = fmaf(factor, high.x, x[4]);
        x[5] = fmaf(factor, high.y, x[5]);
        x[6] = fmaf(factor, high.z, x[6]);
        x[7] = fmaf(factor, high.w, x[7]);
    }
};

// Adds factor * partial output of the splits first, first + step, ..., for PAIRS of the lane's columns from firstPair on. BATCH splits are
// under way at a time.
template <int PAIRS, int BATCH, class Partials, class Factors>
__device__ __forceinline__ void addSplits(Eight (&sums)[PAIRS], const Partials &partials, int unit, int warp, int firstPair, int first, int step,
                                          int used, Factors factors) {
    constexpr int STRIDE = Partials::WARPS * 32;
#pragma unroll 1
    for (int batch = first; batch < used; batch += BATCH * step) {
        float4 parts[BATCH][2 * PAIRS];
#pragma unroll
        for (int i = 0; i < BATCH; i++) {
            const float4 *from = partials.output(unit, min(batch + i * step, used - 1), warp) + 2 * firstPair * STRIDE;
#pragma unroll
            for (int vector = 0; vector < 2 * PAIRS; vector++) {
                parts[i][vector] = __ldcg(from + vector * STRIDE);
            }
        }
#pragma unroll
        for (int i = 0; i < BATCH; i++) {
            const int split = batch + i * step;
#pragma unroll
            for (int pair = 0; pair < PAIRS; pair++) {
                sums[pair].add(split < used ? factors(pair, split) : 0, parts[i][2 * pair], parts[i][2 * pair + 1]);
            }
        }
    }
}

// Ends a block: its result goes to the output if it is the only one of its unit, else to scratch, and whoever comes last combines; without
// counters it stays there. Destination(column) is the column's index in the output, negative for columns without one. Shared memory of at
// least splits * columns floats is used again.
template <int D, class Stream, class Destination>
__device__ __forceinline__ void storeResult(Stream &stream, const Split &split, int unit,
                                            const Partials<D, Stream::Shape::COLUMNS> &partials, unsigned *counters, float *shared,
                                            const AttentionOutput &to, Destination destination) {
    constexpr int COLUMNS = Stream::Shape::COLUMNS;
    constexpr int WARPS = Stream::Shape::WARPS;
    static_assert(MAX_SPLITS * COLUMNS * sizeof(float) <= sizeof(Stream::Shape::Shared::queries), "factors fit");
    const int warp = threadIdx.x / 32;
    const int t = threadIdx.x % 4;
    stream.finish();
    Eight result[COLUMNS / 4];
    const auto columnOf = [&](int pair) { return pair / 2 * 8 + 2 * t + pair % 2; };
#pragma unroll
    for (int pair = 0; pair < COLUMNS / 4; pair++) {
#pragma unroll
        for (int i = 0; i < 8; i++) {
            result[pair].x[i] = stream.output[pair / 2][i / 2][pair % 2 + i % 2 * 2];
        }
    }
    if (split.splits == 1 && counters != nullptr) {
#pragma unroll
        for (int pair = 0; pair < COLUMNS / 4; pair++) {
            const float inverse = reciprocalOrZero(stream.sum[pair / 2][pair % 2]);
#pragma unroll
            for (int i = 0; i < 8; i++) {
                result[pair].x[i] *= inverse;
            }
        }
    } else {
        float4 *at = partials.output(unit, blockIdx.x, warp);
#pragma unroll
        for (int pair = 0; pair < COLUMNS / 4; pair++) {
            const float(&x)[8] = result[pair].x;
            if (destination(columnOf(pair)) >= 0) {
                at[2 * pair * WARPS * 32] = make_float4(x[0], x[1], x[2], x[3]);
                at[(2 * pair + 1) * WARPS * 32] = make_float4(x[4], x[5], x[6], x[7]);
            }
            if (threadIdx.x < 4) {
                *partials.stat(unit, blockIdx.x, columnOf(pair)) = make_float2(stream.maximum[pair / 2][pair % 2], stream.sum[pair / 2][pair % 2]);
            }
        }
        if (counters == nullptr) {
            if (blockIdx.x == 0 && threadIdx.x == 0) {
                partials.used[unit] = split.splits;
            }
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
#pragma unroll 2
        for (int column = warp; column < COLUMNS; column += WARPS) {
            splitFactors(partials, unit, column, split.splits, shared + column * split.splits);
        }
        __syncthreads();
#pragma unroll
        for (int pair = 0; pair < COLUMNS / 4; pair++) {
            result[pair] = {};
        }
        addSplits<COLUMNS / 4, COLUMNS == 8 ? 8 : 1>(result, partials, unit, warp, 0, 0, 1, split.splits,
                                                     [&](int pair, int of) { return shared[columnOf(pair) * split.splits + of]; });
    }
#pragma unroll
    for (int pair = 0; pair < COLUMNS / 4; pair++) {
        const long index = destination(columnOf(pair));
        storeAttended<8, 4>(to, index + 64 * warp + threadIdx.x % 32 / 4 * 8, result[pair].x, index >= 0);
    }
}
