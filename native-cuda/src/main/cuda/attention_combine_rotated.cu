// Merges the partial results of attention over a rotated cache, and takes back the rotation. Arguments, grid and layouts: attention.md.
#include "attention_split.cuh"
#include "dependent_launch.cuh"
#include "head_codes.cuh"

namespace {

constexpr int COLUMNS = 8;
constexpr int THREADS = 512;
constexpr int MAX_SPLITS = 256;
constexpr int BATCH = 9;  // splits under way in a thread

// A block has one column of a unit; each thread four dimensions of some of the splits.
template <int D>
__device__ __forceinline__ void combineRotated(void *scratch, int splits, int heads, int kvHeads, const AttentionOutput &to) {
    constexpr int QUADS = D / 4;
    constexpr int PARTS = THREADS / QUADS;
    __shared__ float weights[MAX_SPLITS];
    __shared__ __align__(16) float sums[PARTS][D];
    launchDependents();
    const int group = heads / kvHeads;
    const int headTiles = (group + COLUMNS - 1) / COLUMNS;
    const int column = blockIdx.x;
    const int unit = blockIdx.y;
    const int tile = unit / kvHeads % headTiles;
    const size_t row = unit / (kvHeads * headTiles);
    const Partials<D, COLUMNS> partials(scratch, gridDim.y, splits);
    waitForPredecessors();
    if (tile * COLUMNS + column >= group) {
        return;
    }
    const int used = __ldcg(&partials.used[unit]);
    const int lane = threadIdx.x % 32;
    float2 stats[MAX_SPLITS / 32];
#pragma unroll
    for (int i = 0; i < MAX_SPLITS / 32; i++) {
        const int split = 32 * i + lane;
        stats[i] = split < used ? __ldcg(partials.stat(unit, split, column)) : make_float2(NOTHING, 0);
    }
    // Dimensions 4 * quad .. + 3, where the lanes of attention_decode have them. The first are under way while the weights are found.
    const int quad = threadIdx.x % QUADS;
    const int part = threadIdx.x / QUADS;
    const float4 *outputs = partials.outputs + static_cast<size_t>(unit) * splits * (COLUMNS * QUADS) +
                            (column % 2 * 2 + quad % 2) * Partials<D, COLUMNS>::WARPS * 32 + quad / 16 * 32 + quad / 2 % 8 * 4 + column / 2;
    float4 batch[BATCH];
    const auto load = [&](int first) {
#pragma unroll
        for (int i = 0; i < BATCH; i++) {
            batch[i] = __ldcg(outputs + static_cast<size_t>(min(first + i * PARTS, used - 1)) * (COLUMNS * QUADS));
        }
    };
    load(part);

    // Every warp finds the maximum and the sum, so that none has to wait for another.
    float maximum = NOTHING;
#pragma unroll
    for (int i = 0; i < MAX_SPLITS / 32; i++) {
        maximum = fmaxf(maximum, stats[i].x);
    }
#pragma unroll
    for (int lanes = 1; lanes < 32; lanes *= 2) {
        maximum = fmaxf(maximum, __shfl_xor_sync(0xffffffff, maximum, lanes));
    }
    float sum = 0;
#pragma unroll
    for (int i = 0; i < MAX_SPLITS / 32; i++) {
        const float weight = Merged::weight(stats[i].x, maximum);
        sum = fmaf(weight, stats[i].y, sum);
        if (threadIdx.x < 32) {
            weights[32 * i + lane] = weight;
        }
    }
#pragma unroll
    for (int lanes = 1; lanes < 32; lanes *= 2) {
        sum += __shfl_xor_sync(0xffffffff, sum, lanes);
    }
    __syncthreads();

    float4 x = make_float4(0, 0, 0, 0);
    for (int first = part; first < used; first += BATCH * PARTS) {
        if (first > part) {
            load(first);
        }
#pragma unroll
        for (int i = 0; i < BATCH; i++) {
            if (first + i * PARTS < used) {
                const float weight = weights[first + i * PARTS];
                x.x = fmaf(weight, batch[i].x, x.x);
                x.y = fmaf(weight, batch[i].y, x.y);
                x.z = fmaf(weight, batch[i].z, x.z);
                x.w = fmaf(weight, batch[i].w, x.w);
            }
        }
    }
    *reinterpret_cast<float4 *>(&sums[part][4 * quad]) = x;
    __syncthreads();
    if (threadIdx.x >= 32) {
        return;
    }
    const float inverse = sum > 0 ? 1 / sum : 0;
    HeadLane<D> head;
#pragma unroll
    for (int i = 0; i < 2 * HeadLane<D>::GROUPS; i++) {
        const int dim = HeadLane<D>::element(i / HeadLane<D>::GROUPS, i % HeadLane<D>::GROUPS);
        float4 total = make_float4(0, 0, 0, 0);
#pragma unroll
        for (int other = 0; other < PARTS; other++) {
            const float4 of = *reinterpret_cast<const float4 *>(&sums[other][dim]);
            total.x += of.x, total.y += of.y, total.z += of.z, total.w += of.w;
        }
        float *at = &head.x[i / HeadLane<D>::GROUPS][i % HeadLane<D>::GROUPS * 4];
        at[0] = total.x * inverse, at[1] = total.y * inverse, at[2] = total.z * inverse, at[3] = total.w * inverse;
    }
    restore_head(head);
    const size_t first = (row * heads + unit % kvHeads * group + tile * COLUMNS + column) * D;
#pragma unroll
    for (int i = 0; i < 2 * HeadLane<D>::GROUPS; i++) {
        const float *at = &head.x[i / HeadLane<D>::GROUPS][i % HeadLane<D>::GROUPS * 4];
        const float four[4] = {at[0], at[1], at[2], at[3]};
        storeAttended<4, 1>(to, first + HeadLane<D>::element(i / HeadLane<D>::GROUPS, i % HeadLane<D>::GROUPS), four, true);
    }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(THREADS)
    attention_combine_rotated_d256(void *scratch, int splits, int heads, int kvHeads, float *out, int8_t *outQ, float *outD, float *outS) {
    combineRotated<256>(scratch, splits, heads, kvHeads, {out, outQ, outD, outS});
}

extern "C" __global__ void __launch_bounds__(THREADS)
    attention_combine_rotated_d512(void *scratch, int splits, int heads, int kvHeads, float *out, int8_t *outQ, float *outD, float *outS) {
    combineRotated<512>(scratch, splits, heads, kvHeads, {out, outQ, outD, outS});
}
