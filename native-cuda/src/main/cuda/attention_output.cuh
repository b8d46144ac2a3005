// The attended heads as 32-bit floats and as the quantized activations of the next mat-vec: q = rint(x / d), d = max|x| / 127, s = d * sum(q)
// of each group of ACTIVATION_GROUP.
#pragma once

#include <stdint.h>

#include "activation_format.cuh"

// Any pointer but d and s may be null; those go with q.
struct AttentionOutput {
    float *values;
    int8_t *q;
    float *d;
    float *s;
};

// Stores N consecutive values at index. Lanes LANE_STEP apart hold the neighbours of a group; all lanes of a warp have to call, live or not.
template <int N, int LANE_STEP>
__device__ __forceinline__ void storeAttended(const AttentionOutput &to, size_t index, const float (&x)[N], bool live) {
    static_assert(N % 4 == 0 && (N >= ACTIVATION_GROUP || ACTIVATION_GROUP % N == 0), "a group is in one lane or fills several");
    constexpr int PER_LANE = N < ACTIVATION_GROUP ? N : ACTIVATION_GROUP;
    if (live && to.values != nullptr) {
#pragma unroll
        for (int i = 0; i < N; i += 4) {
            *reinterpret_cast<float4 *>(to.values + index + i) = make_float4(x[i], x[i + 1], x[i + 2], x[i + 3]);
        }
    }
    if (to.q == nullptr) {
        return;
    }
#pragma unroll
    for (int first = 0; first < N; first += PER_LANE) {
        float largest = 0;
#pragma unroll
        for (int i = 0; i < PER_LANE; i++) {
            largest = fmaxf(largest, fabsf(x[first + i]));
        }
#pragma unroll
        for (int lanes = 1; lanes * PER_LANE < ACTIVATION_GROUP; lanes *= 2) {
            largest = fmaxf(largest, __shfl_xor_sync(0xffffffff, largest, lanes * LANE_STEP));
        }
        const float d = largest * (1.0f / 127);
        const float inverse = largest < NO_MAGNITUDE ? 0 : __fdividef(127, largest);
        int sum = 0;
        uint32_t packed[PER_LANE / 4];
#pragma unroll
        for (int i = 0; i < PER_LANE; i++) {
            const int q = __float2int_rn(x[first + i] * inverse);
            sum += q;
            packed[i / 4] = i % 4 == 0 ? q & 0xff : packed[i / 4] | (q & 0xff) << 8 * (i % 4);
        }
#pragma unroll
        for (int lanes = 1; lanes * PER_LANE < ACTIVATION_GROUP; lanes *= 2) {
            sum += __shfl_xor_sync(0xffffffff, sum, lanes * LANE_STEP);
        }
        if (live) {
#pragma unroll
            for (int i = 0; i < PER_LANE / 4; i++) {
                reinterpret_cast<uint32_t *>(to.q + index + first)[i] = packed[i];
            }
            if ((index + first) % ACTIVATION_GROUP == 0) {
                to.d[(index + first) / ACTIVATION_GROUP] = d;
                to.s[(index + first) / ACTIVATION_GROUP] = d * sum;
            }
        }
    }
}
