// The quantized activation format: int8 q[K], float d[K/G], float s[K/G] with d = max|x| / 127, q = rint(x / d), s = d * sum(q) over groups of G.
// Scales are f32: products of Gemma's feed-forward layers exceed f16.
#pragma once

#include <cuda_runtime.h>

// With 16 elements to a scale, models with per-layer embeddings are further from their reference than docs/numerics.md allows.
constexpr int ACTIVATION_GROUP = 8;
static_assert(ACTIVATION_GROUP == 16 || ACTIVATION_GROUP == 8, "a half-chunk of a tile holds one or two groups");

// Groups per half-chunk, the 16 consecutive elements that share one scale in every block format.
constexpr int GROUPS_PER_HALF_CHUNK = 16 / ACTIVATION_GROUP;

// Groups below are zero; the inverse of their scale would be infinite.
constexpr float NO_MAGNITUDE = 1e-30f;

struct GroupScale {
    float d;
    float s;
};

// Quantizes one group, N consecutive elements in each of G / N neighbouring lanes. All lanes of the warp must take part.
template <int N>
__device__ __forceinline__ GroupScale quantizeGroup(const float (&x)[N], int (&q)[N]) {
    float largest = 0;
#pragma unroll
    for (int i = 0; i < N; i++) largest = fmaxf(largest, fabsf(x[i]));
#pragma unroll
    for (int lanes = ACTIVATION_GROUP / N / 2; lanes > 0; lanes /= 2) largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, lanes));
    // One division instead of one for each element: every warp of every block goes through this.
    float inverse = largest < NO_MAGNITUDE ? 0 : __fdividef(127, largest);
    float d = largest * (1.0f / 127);
    int sum = 0;
#pragma unroll
    for (int i = 0; i < N; i++) {
        q[i] = __float2int_rn(x[i] * inverse);
        sum += q[i];
    }
#pragma unroll
    for (int lanes = ACTIVATION_GROUP / N / 2; lanes > 0; lanes /= 2) sum += __shfl_xor_sync(~0u, sum, lanes);
    return {d, d * sum};
}

__device__ __forceinline__ unsigned packBytes(const int (&q)[4]) {
    return __byte_perm(__byte_perm(q[0], q[1], 0x0040), __byte_perm(q[2], q[3], 0x0040), 0x5410);
}
