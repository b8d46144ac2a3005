// Puts the partial results of attention_decode together, where they are too many for the last block of a unit to read alone.
// Arguments, grid and layouts: attention.md.
#include "attention_decode.cuh"

namespace {

constexpr int WARPS = 4;
constexpr int BLOCK_DIMS = 128;

template <int D>
__device__ __forceinline__ void combine(void *scratch, int splits, int heads, int kvHeads, const AttentionOutput &to) {
    __shared__ float factors[MAX_SPLITS];
    __shared__ float4 sums[WARPS][32];
    launchDependents();
    waitForPredecessors();

    const int group = heads / kvHeads;
    const int headTiles = (group + DECODE_COLUMNS - 1) / DECODE_COLUMNS;
    const int kvHead = blockIdx.y / group;
    const int headOfGroup = blockIdx.y % group;
    const int column = headOfGroup % DECODE_COLUMNS;
    const int unit = (blockIdx.z * headTiles + headOfGroup / DECODE_COLUMNS) * kvHeads + kvHead;
    const Partials<D> partials(scratch, gridDim.z * headTiles * kvHeads, splits, min(group, DECODE_COLUMNS));
    const int used = __ldcg(&partials.used[unit]);
    const int warp = threadIdx.x / 32;
    const int lane = threadIdx.x % 32;
    const int dim = blockIdx.x * BLOCK_DIMS + 4 * lane;
    if (warp == 0) {
        splitFactors(partials, unit, column, used, factors);
    }
    __syncthreads();
    float x[4] = {};
    addPartials(partials, unit, column, dim, warp, WARPS, used, factors, x);
    sums[warp][lane] = make_float4(x[0], x[1], x[2], x[3]);
    __syncthreads();
    if (warp == 0) {
#pragma unroll
        for (int other = 1; other < WARPS; other++) {
            const float4 sum = sums[other][lane];
            x[0] += sum.x;
            x[1] += sum.y;
            x[2] += sum.z;
            x[3] += sum.w;
        }
        storeAttended<4, 1>(to, (static_cast<size_t>(blockIdx.z) * heads + blockIdx.y) * D + dim, x, true);
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
