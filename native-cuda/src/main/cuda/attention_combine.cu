// Puts the partial results of attention_decode together, where they are too many for the last block of a unit to read alone.
// Arguments, grid and layouts: attention.md.
#include "attention_decode.cuh"

namespace {

constexpr int WARPS = 8;

// A block has one of the two columns that each lane holds, for 64 dimensions of a unit; its warps share the splits.
template <int D>
__device__ __forceinline__ void combine(void *scratch, int splits, int heads, int kvHeads, const AttentionOutput &to) {
    __shared__ float factors[DECODE_COLUMNS][MAX_SPLITS];
    __shared__ Eight sums[WARPS][32];
    launchDependents();
    const int group = heads / kvHeads;
    const int headTiles = (group + DECODE_COLUMNS - 1) / DECODE_COLUMNS;
    const int unit = blockIdx.z;
    const int tile = unit / kvHeads % headTiles;
    const int row = unit / (kvHeads * headTiles);
    const int warp = threadIdx.x / 32;
    const int lane = threadIdx.x % 32;
    const int columns = min(group - tile * DECODE_COLUMNS, DECODE_COLUMNS);
    const int column = 2 * (lane % 4) + blockIdx.y;
    const Partials<D, DECODE_COLUMNS> partials(scratch, gridDim.z, splits);
    waitForPredecessors();

    const int used = __ldcg(&partials.used[unit]);
    if (warp < DECODE_COLUMNS / 2) {
        splitFactors(partials, unit, 2 * warp + blockIdx.y, used, factors[2 * warp + blockIdx.y]);
    }
    __syncthreads();
    Eight sum[1] = {};
    addSplits<1, 4>(sum, partials, unit, blockIdx.x, blockIdx.y, warp, WARPS, used, [&](int, int split) { return factors[column][split]; });
    sums[warp][lane] = sum[0];
    __syncthreads();
    if (warp == 0) {
#pragma unroll
        for (int other = 1; other < WARPS; other++) {
#pragma unroll
            for (int i = 0; i < 8; i++) {
                sum[0].x[i] += sums[other][lane].x[i];
            }
        }
        const size_t head = static_cast<size_t>(row) * heads + unit % kvHeads * group + tile * DECODE_COLUMNS + column;
        storeAttended<8, 4>(to, head * D + blockIdx.x * 64 + lane / 4 * 8, sum[0].x, column < columns);
    }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(32 * WARPS)
    attention_combine_d256(void *scratch, int splits, int heads, int kvHeads, float *out, int8_t *outQ, float *outD, float *outS) {
    combine<256>(scratch, splits, heads, kvHeads, {out, outQ, outD, outS});
}

extern "C" __global__ void __launch_bounds__(32 * WARPS)
    attention_combine_d512(void *scratch, int splits, int heads, int kvHeads, float *out, int8_t *outQ, float *outD, float *outS) {
    combine<512>(scratch, splits, heads, kvHeads, {out, outQ, outD, outS});
}
