// Partial results of attention merged within a cluster: its blocks have all splits of a unit and read each other's shared memory, so that neither
// scratch memory nor a second kernel is needed. Compute capability 9.0 and later.
#pragma once

#include "attention_split.cuh"
#include "cluster.cuh"

constexpr int CLUSTER_BLOCKS = 8;

// What a block has of each of 8 columns: its output, not yet divided by the sum, and {maximum, sum}.
template <int D>
struct ClusterPart {
    static constexpr int STRIDE = D + 4;
    float outputs[8][STRIDE];
    float2 stats[8];
};

#if __CUDA_ARCH__ >= 900
__device__ __forceinline__ float2 loadPair(uint32_t there) {
    float2 value;
    asm volatile("ld.shared::cluster.v2.f32 {%0, %1}, [%2];" : "=f"(value.x), "=f"(value.y) : "r"(there));
    return value;
}

__device__ __forceinline__ float4 loadQuad(uint32_t there) {
    float4 value;
    asm volatile("ld.shared::cluster.v4.f32 {%0, %1, %2, %3}, [%4];" : "=f"(value.x), "=f"(value.y), "=f"(value.z), "=f"(value.w) : "r"(there));
    return value;
}

// Ends a block: each merges its share of the dimensions. Destination as for storeResult. `part` is in shared memory, unused until finish() is done.
template <int D, class Stream, class Destination>
__device__ __forceinline__ void storeClustered(Stream &stream, ClusterPart<D> &part, int splits, const AttentionOutput &to, Destination destination) {
    static_assert(Stream::Shape::COLUMNS == 8, "one column tile");
    constexpr int SHARE = D / CLUSTER_BLOCKS;
    constexpr int QUADS = SHARE / 4;
    stream.finish();
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int pair = 0; pair < 2; pair++) {
        const int column = lane % 4 * 2 + pair;
        float4 *at = reinterpret_cast<float4 *>(&part.outputs[column][64 * (threadIdx.x / 32) + lane / 4 * 8]);
        at[0] = make_float4(stream.output[0][0][pair], stream.output[0][0][pair + 2], stream.output[0][1][pair], stream.output[0][1][pair + 2]);
        at[1] = make_float4(stream.output[0][2][pair], stream.output[0][2][pair + 2], stream.output[0][3][pair], stream.output[0][3][pair + 2]);
        if (threadIdx.x < 4) {
            part.stats[column] = make_float2(stream.maximum[0][pair], stream.sum[0][pair]);
        }
    }
    clusterBarrier();
    if (threadIdx.x < 8 * QUADS) {
        const int column = threadIdx.x / QUADS;
        const int dim = blockIdx.x * SHARE + threadIdx.x % QUADS * 4;
        float2 stats[CLUSTER_BLOCKS];
        float4 outputs[CLUSTER_BLOCKS];
        float highest = NOTHING;
#pragma unroll
        for (int i = 0; i < CLUSTER_BLOCKS; i++) {
            const int block = min(i, splits - 1);
            stats[i] = loadPair(sharedOf(&part.stats[column], block));
            outputs[i] = loadQuad(sharedOf(&part.outputs[column][dim], block));
        }
#pragma unroll
        for (int i = 0; i < CLUSTER_BLOCKS; i++) {
            highest = fmaxf(highest, stats[i].x);
        }
        float sum = 0;
        float x[4] = {};
#pragma unroll
        for (int i = 0; i < CLUSTER_BLOCKS; i++) {
            const float factor = i < splits ? Merged::weight(stats[i].x, highest) : 0;
            sum = fmaf(factor, stats[i].y, sum);
            x[0] = fmaf(factor, outputs[i].x, x[0]);
            x[1] = fmaf(factor, outputs[i].y, x[1]);
            x[2] = fmaf(factor, outputs[i].z, x[2]);
            x[3] = fmaf(factor, outputs[i].w, x[3]);
        }
        const float inverse = sum > 0 ? 1 / sum : 0;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            x[i] *= inverse;
        }
        const int64_t index = destination(column);
        storeAttended<4, 1>(to, index + dim, x, index >= 0);
    }
    // What others still read must not go away.
    clusterBarrier();
}
#endif
