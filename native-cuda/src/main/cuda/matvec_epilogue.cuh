// What becomes of the rows' sums. A block gives its sums in shared memory, eight to a row tile; see RowSums.
#pragma once

#include <climits>

#include "activation_format.cuh"
#include "matvec_arguments.cuh"
#include "tile_layout.cuh"

struct RowSums {
    const float* sums;
    int firstRowTile;
    int rowTiles;
    // The first row tile began in the block before, the last one ends in the block after.
    bool beginsEarlier;
    bool endsLater;
};

__device__ __forceinline__ float geluTanh(float x) {
    return 0.5f * x * (1 + tanhf(0.79788456f * fmaf(0.044715f * x * x, x, x)));
}

struct WritePlanes {
    Planes planes;

    __device__ __forceinline__ void write(const RowSums& r, int rows) const {
        for (int i = threadIdx.x; i < r.rowTiles * ROWS_PER_TILE; i += BLOCK_THREADS) {
            int row = r.firstRowTile * ROWS_PER_TILE + i;
            if (row >= rows) break;
            int tile = i / ROWS_PER_TILE;
            if (tile == 0 && r.beginsEarlier) {
                planes.plane1[row] = r.sums[i];
                continue;
            }
            planes.plane0[row] = r.sums[i];
            bool complete = tile != r.rowTiles - 1 || !r.endsLater;
            if (complete && planes.plane1 != nullptr) planes.plane1[row] = 0;
        }
    }
};

// Outputs of the block, a multiple of 16 from a multiple of 16 on; output(i) is the i-th.
template <class Output>
__device__ __forceinline__ void writeQuantized(const QuantizedOutput& out, int first, int count, const Output& output) {
    for (int base = 0; base < count; base += BLOCK_THREADS) {
        int i = base + threadIdx.x;
        bool inside = i < count;
        float x[1] = {inside ? output(i) : 0};
        int q[1];
        GroupScale scale = quantizeGroup(x, q);
        if (!inside) continue;
        int n = first + i;
        if (out.y != nullptr) out.y[n] = x[0];
        out.q[n] = int8_t(q[0]);
        if (n % ACTIVATION_GROUP == 0) {
            out.d[n / ACTIVATION_GROUP] = scale.d;
            out.s[n / ACTIVATION_GROUP] = scale.s;
        }
    }
}

// gelu(gate) * up, with gate in rows 0-3 and up in rows 4-7 of each row tile.
struct WriteGeglu {
    QuantizedOutput out;

    __device__ __forceinline__ void write(const RowSums& r, int) const {
        writeQuantized(out, r.firstRowTile * 4, r.rowTiles * 4, [&](int i) {
            const float* gate = r.sums + i / 4 * ROWS_PER_TILE + i % 4;
            return geluTanh(gate[0]) * gate[4];
        });
    }
};

// gelu(row) * multiplier
struct WriteGelu {
    const float* multiplier;
    QuantizedOutput out;

    __device__ __forceinline__ void write(const RowSums& r, int) const {
        int first = r.firstRowTile * ROWS_PER_TILE;
        writeQuantized(out, first, r.rowTiles * ROWS_PER_TILE, [&](int i) { return geluTanh(r.sums[i]) * multiplier[first + i]; });
    }
};

// Soft-capped logits and the block's largest; of equals, the one with the lowest row. NaN counts as larger than any.
struct WriteLogits {
    Logits out;

    static __device__ __forceinline__ void keepLarger(float& value, int& row, float otherValue, int otherRow) {
        if (otherValue > value || isnan(otherValue) || (otherValue == value && otherRow < row)) value = otherValue, row = otherRow;
    }

    __device__ __forceinline__ void write(const RowSums& r, int rows) const {
        __shared__ float values[BLOCK_WARPS];
        __shared__ int winners[BLOCK_WARPS];
        float largest = -INFINITY;
        int winner = INT_MAX;
        for (int i = threadIdx.x; i < r.rowTiles * ROWS_PER_TILE; i += BLOCK_THREADS) {
            int row = r.firstRowTile * ROWS_PER_TILE + i;
            if (row >= rows) break;
            float logit = out.softcap == 0 ? r.sums[i] : out.softcap * tanhf(r.sums[i] / out.softcap);
            out.logits[row] = logit;
            keepLarger(largest, winner, logit, row);
        }
#pragma unroll
        for (int lanes = 16; lanes > 0; lanes /= 2)
            keepLarger(largest, winner, __shfl_xor_sync(~0u, largest, lanes), __shfl_xor_sync(~0u, winner, lanes));
        if (threadIdx.x % 32 == 0) values[threadIdx.x / 32] = largest, winners[threadIdx.x / 32] = winner;
        __syncthreads();
        if (threadIdx.x != 0) return;
        for (int w = 1; w < BLOCK_WARPS; w++) keepLarger(largest, winner, values[w], winners[w]);
        out.blockMaximum[blockIdx.x] = largest;
        out.blockArgmax[blockIdx.x] = winner;
    }
};
