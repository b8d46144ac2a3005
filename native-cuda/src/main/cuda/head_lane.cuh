// A head in the registers of one warp: what norms, rotations and caches are made of.
#pragma once
#include "half.cuh"
#include "kv_cache.cuh"

/** Elements of one head that a lane of a warp has: LOW of the first half and as many, D / 2 further, of the second: the pairs of the rotation. */
template <int D>
struct HeadLane {
    static constexpr int GROUPS = D / 256;
    float x[2][4 * GROUPS];

    static __device__ __forceinline__ int element(int half, int group) {
        return half * (D / 2) + group * 128 + threadIdx.x % 32 * 4;
    }
    __device__ __forceinline__ void load(const float* head) {
#pragma unroll
        for (int i = 0; i < 2 * GROUPS; i++) {
            float4 v = __ldcg(reinterpret_cast<const float4*>(head + element(i / GROUPS, i % GROUPS)));
            float* to = &x[i / GROUPS][i % GROUPS * 4];
            to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
        }
    }
    /** Adds another head. */
    __device__ __forceinline__ void add(const float* head) {
        HeadLane other;
        other.load(head);
#pragma unroll
        for (int i = 0; i < 8 * GROUPS; i++) {
            (&x[0][0])[i] += (&other.x[0][0])[i];
        }
    }
    /** x / sqrt(mean(x^2) + epsilon) * norm; norm null is 1. */
    __device__ __forceinline__ void normalize(const float* norm, float epsilon) {
        float sum = 0;
#pragma unroll
        for (int i = 0; i < 4 * GROUPS; i++) {
            sum += x[0][i] * x[0][i] + x[1][i] * x[1][i];
        }
#pragma unroll
        for (int other = 16; other > 0; other /= 2) {
            sum += __shfl_xor_sync(0xFFFFFFFFu, sum, other);
        }
        float factor = __frsqrt_rn(sum / D + epsilon);
#pragma unroll
        for (int i = 0; i < 8 * GROUPS; i++) {
            int half = i / (4 * GROUPS), within = i % (4 * GROUPS);
            x[half][within] *= factor * (norm == nullptr ? 1 : norm[element(half, within / 4) + within % 4]);
        }
    }
    /** Turns each pair by position * inverse_frequencies[pair] radians. */
    __device__ __forceinline__ void rotate(const double* inverse_frequencies, int position) {
#pragma unroll
        for (int i = 0; i < 4 * GROUPS; i++) {
            // In double precision down to one turn: at position 100,000 a float angle would be off by a hundredth.
            constexpr double TURN = 6.283185307179586;
            double angle = position * inverse_frequencies[element(0, i / 4) + i % 4];
            float sine, cosine;
            __sincosf(static_cast<float>(angle - TURN * rint(angle * (1 / TURN))), &sine, &cosine);
            float a = x[0][i], b = x[1][i];
            x[0][i] = a * cosine - b * sine;
            x[1][i] = a * sine + b * cosine;
        }
    }
    /** What is stored of a derived key. */
    template <class ELEMENT>
    __device__ __forceinline__ void store_derived(ELEMENT* head) const {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            if (isStoredOfDerived(element(half, 0))) {
                storeCached(head + placeInDerived(element(half, 0)), make_float4(x[half][0], x[half][1], x[half][2], x[half][3]));
            }
        }
    }
    template <class ELEMENT>
    __device__ __forceinline__ void store(ELEMENT* head) const {
#pragma unroll
        for (int i = 0; i < 2 * GROUPS; i++) {
            const float* from = &x[i / GROUPS][i % GROUPS * 4];
            storeCached(head + element(i / GROUPS, i % GROUPS), make_float4(from[0], from[1], from[2], from[3]));
        }
    }
};
