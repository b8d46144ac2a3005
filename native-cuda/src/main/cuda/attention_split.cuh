// Keys split among the blocks of a unit (a key/value head of a token, or of a block of rows), and their partial results put together again:
// the last block of a unit to finish does it, or a kernel of its own.
#pragma once

#include "attention_output.cuh"
#include "attention_stream.cuh"

// What this block takes of the positions first .. first + count - 1, and how many blocks take any. At least one does, even of none.
struct Split {
    int from;
    int count;
    int splits;
    __device__ __forceinline__ bool idle() const { return static_cast<int>(blockIdx.x) >= splits; }
};

__device__ __forceinline__ Split splitOf(int first, int count, int minKeys) {
    const int blocks = gridDim.x;
    const int even = (count + blocks - 1) / blocks;
    const int keys = (max(even, max(minKeys, 1)) + 15) / 16 * 16;
    const int offset = blockIdx.x * keys;
    return {first + offset, min(keys, count - offset), max(1, (count + keys - 1) / keys)};
}

// Scratch memory: outputs not yet divided by the sum, [unit][split][4 * column tiles][warp][lane] x float4 in the order in which lanes hold
// them; {maximum, sum} [unit][split][column]; splits used [unit].
template <int D, int COLUMNS>
struct Partials {
    static constexpr int WARPS = D / 64;
    float4 *outputs;
    float2 *stats;
    int *used;
    int splits;

    __device__ __forceinline__ Partials(void *scratch, int units, int splits)
        : outputs(static_cast<float4 *>(scratch)),
          stats(reinterpret_cast<float2 *>(outputs + static_cast<size_t>(units) * splits * (COLUMNS * D / 4))),
          used(reinterpret_cast<int *>(stats + static_cast<size_t>(units) * splits * COLUMNS)), splits(splits) {}

    __device__ __forceinline__ float4 *output(int unit, int split, int warp) const {
        return outputs + (static_cast<size_t>(unit) * splits + split) * (COLUMNS * D / 4) + warp * 32 + threadIdx.x % 32;
    }

    __device__ __forceinline__ float2 *stat(int unit, int split, int column) const {
        return stats + (static_cast<size_t>(unit) * splits + split) * COLUMNS + column;
    }
};

// A column's running softmax over partial results: its maximum, its sum and eight consecutive dimensions of its output.
struct Merged {
    float maximum = NOTHING;
    float sum = 0;
    float x[8] = {};

    // Brings the sums to a maximum that is no lower.
    __device__ __forceinline__ void rescale(float newMaximum) {
        const float factor = weight(maximum, newMaximum);
        maximum = newMaximum;
        sum *= factor;
#pragma unroll
        for (int i = 0; i < 8; i++) {
            x[i] *= factor;
        }
    }

    __device__ __forceinline__ void add(float factor, float otherSum, const float4 &low, const float4 &high) {
        sum = fmaf(factor, otherSum, sum);
        x[0] = fmaf(factor, low.x, x[0]);
        x[1] = fmaf(factor, low.y, x[1]);
        x[2] = fmaf(factor, low.z, x[2]);
        x[3] = fmaf(factor, low.w, x[3]);
        x[4] = fmaf(factor, high.x, x[4]);
        x[5] = fmaf(factor, high.y, x[5]);
        x[6] = fmaf(factor, high.z, x[6]);
        x[7] = fmaf(factor, high.w, x[7]);
    }

    // Of what was summed up below a maximum, relative to one that is no lower.
    static __device__ __forceinline__ float weight(float maximum, float newMaximum) {
        return exp2Approximately((maximum - (newMaximum == NOTHING ? 0 : newMaximum)) * LOG2_E);
    }

    __device__ __forceinline__ void divide() {
        const float inverse = sum > 0 ? 1 / sum : 0;
#pragma unroll
        for (int i = 0; i < 8; i++) {
            x[i] *= inverse;
        }
    }
};

// Adds the splits first, first + step, ... to a column; pair is the column's place among those of a lane. BATCH splits are under way at a time.
template <int BATCH, class Partials>
__device__ __forceinline__ void mergeSplits(Merged &merged, const Partials &partials, int unit, int warp, int column, int pair, int first,
                                            int step, int used) {
    constexpr int STRIDE = Partials::WARPS * 32;
#pragma unroll 1
    for (int batch = first; batch < used; batch += BATCH * step) {
        float2 stats[BATCH];
        float4 low[BATCH];
        float4 high[BATCH];
        float highest = merged.maximum;
#pragma unroll
        for (int i = 0; i < BATCH; i++) {
            const int split = min(batch + i * step, used - 1);
            const float4 *from = partials.output(unit, split, warp) + 2 * pair * STRIDE;
            stats[i] = __ldcg(partials.stat(unit, split, column));
            low[i] = __ldcg(from);
            high[i] = __ldcg(from + STRIDE);
        }
#pragma unroll
        for (int i = 0; i < BATCH; i++) {
            highest = fmaxf(highest, stats[i].x);
        }
        merged.rescale(highest);
#pragma unroll
        for (int i = 0; i < BATCH; i++) {
            merged.add(batch + i * step < used ? Merged::weight(stats[i].x, highest) : 0, stats[i].y, low[i], high[i]);
        }
    }
}

// Ends a block: its result goes to the output if it is the only one of its unit, else to scratch, and whoever comes last merges; without
// counters it stays there. Destination(column) is the column's index in the output, negative for columns without one.
template <int D, class Stream, class Destination>
__device__ __forceinline__ void storeResult(Stream &stream, const Split &split, int unit,
                                            const Partials<D, Stream::Shape::COLUMNS> &partials, unsigned *counters,
                                            const AttentionOutput &to, Destination destination) {
    constexpr int PAIRS = Stream::Shape::COLUMNS / 4;
    constexpr int STRIDE = Stream::Shape::WARPS * 32;
    __shared__ bool last;
    const int warp = threadIdx.x / 32;
    const auto columnOf = [](int pair) { return static_cast<int>(pair / 2 * 8 + threadIdx.x % 4 * 2 + pair % 2); };
    stream.finish();
    Merged result[PAIRS];
#pragma unroll
    for (int pair = 0; pair < PAIRS; pair++) {
        result[pair].sum = stream.sum[pair / 2][pair % 2];
#pragma unroll
        for (int i = 0; i < 8; i++) {
            result[pair].x[i] = stream.output[pair / 2][i / 2][pair % 2 + i % 2 * 2];
        }
    }
    if (split.splits > 1 || counters == nullptr) {
        float4 *at = partials.output(unit, blockIdx.x, warp);
#pragma unroll
        for (int pair = 0; pair < PAIRS; pair++) {
            const float(&x)[8] = result[pair].x;
            if (destination(columnOf(pair)) >= 0) {
                at[2 * pair * STRIDE] = make_float4(x[0], x[1], x[2], x[3]);
                at[(2 * pair + 1) * STRIDE] = make_float4(x[4], x[5], x[6], x[7]);
                if (threadIdx.x < 4) {
                    *partials.stat(unit, blockIdx.x, columnOf(pair)) = make_float2(stream.maximum[pair / 2][pair % 2], result[pair].sum);
                }
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
            last = atomicInc(&counters[unit], split.splits - 1) == split.splits - 1;
            __threadfence();
        }
        __syncthreads();
        if (!last) {
            return;
        }
#pragma unroll
        for (int pair = 0; pair < PAIRS; pair++) {
            result[pair] = Merged();
            if (destination(columnOf(pair)) >= 0) {
                mergeSplits<8>(result[pair], partials, unit, warp, columnOf(pair), pair, 0, 1, split.splits);
            }
        }
    }
#pragma unroll
    for (int pair = 0; pair < PAIRS; pair++) {
        const int64_t index = destination(columnOf(pair));
        result[pair].divide();
        storeAttended<8, 4>(to, index + 64 * warp + threadIdx.x % 32 / 4 * 8, result[pair].x, index >= 0);
    }
}
