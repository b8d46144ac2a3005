// Merges the partial results of attention_decode, where they are too many for the last block of a unit alone.
// Arguments, grid and layouts: attention.md.
#include "attention_decode.cuh"

namespace {

constexpr int WARPS = 8;

// A block has one of the two columns that each lane holds, for 64 dimensions of a unit; its warps share the splits.
template <int D>
__device__ __forceinline__ void combine(void *scratch, int splits, int heads, int kvHeads, const AttentionOutput &to) {
    __shared__ Merged parts[WARPS][32];
    launchDependents();
    const int group = heads / kvHeads;
    const int headTiles = (group + DECODE_COLUMNS - 1) / DECODE_COLUMNS;
    const int unit = blockIdx.z;
    const int tile = unit / kvHeads % headTiles;
    const int row = unit / (kvHeads * headTiles);
    const int warp = threadIdx.x / 32;
    const int lane = threadIdx.x % 32;
    const int column = 2 * (lane % 4) + blockIdx.y;
    const bool live = column < group - tile * DECODE_COLUMNS;
    const Partials<D, DECODE_COLUMNS> partials(scratch, gridDim.z, splits);
    waitForPredecessors();

    Merged merged;
    if (live) {
        mergeSplits<4>(merged, partials, unit, blockIdx.x, column, blockIdx.y, warp, WARPS, __ldcg(&partials.used[unit]));
    }
    parts[warp][lane] = merged;
    __syncthreads();
    if (warp > 0) {
        return;
    }
#pragma unroll
    for (int other = 1; other < WARPS; other++) {
        merged.maximum = fmaxf(merged.maximum, parts[other][lane].maximum);
    }
    const float highest = merged.maximum;
    merged.maximum = parts[0][lane].maximum;
    merged.rescale(highest);
#pragma unroll
    for (int other = 1; other < WARPS; other++) {
        const Merged &part = parts[other][lane];
        merged.add(Merged::weight(part.maximum, highest), part.sum, make_float4(part.x[0], part.x[1], part.x[2], part.x[3]),
                   make_float4(part.x[4], part.x[5], part.x[6], part.x[7]));
    }
    merged.divide();
    const size_t head = static_cast<size_t>(row) * heads + unit % kvHeads * group + tile * DECODE_COLUMNS + column;
    storeAttended<8, 4>(to, head * D + blockIdx.x * 64 + lane / 4 * 8, merged.x, live);
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
