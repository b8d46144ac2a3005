// How a block obtains its input vector: a prepared one, or the residual stream with its norms (README.md, argument group N).
#pragma once

#include "block_reduction.cuh"
#include "matvec_activations.cuh"

struct CopyVector {
    Vector vector;

    __device__ __forceinline__ void prefetch(int) const {}

    template <class Activations>
    __device__ __forceinline__ void prepare(const Activations& activations, int slots, int columns) const {
        activations.copy(vector, slots, columns);
    }
};

struct NormalizeResidual {
    // Elements per thread are kept in registers, in quads.
    static constexpr int QUADS = 3;
    static constexpr int MAX_COLUMNS = QUADS * 4 * BLOCK_THREADS;
    Residual r;

    // Norm weights are as cold as the others, and every block needs all of them at once.
    __device__ __forceinline__ void prefetch(int columns) const {
        prefetchLines(r.norm, columns);
        if (r.branch0 != nullptr) prefetchLines(r.postNorm, columns);
        if (r.other0 != nullptr) {
            prefetchLines(r.branchNorm, columns);
            prefetchLines(r.otherNorm, columns);
        }
    }

    static __device__ __forceinline__ void prefetchLines(const float* weights, int columns) {
        int first = threadIdx.x * 32;
        if (weights != nullptr && first < columns) asm volatile("prefetch.global.L2 [%0];" ::"l"(weights + first));
    }

    static __device__ __forceinline__ int column(int quad) { return (quad * BLOCK_THREADS + threadIdx.x) * 4; }

    static __device__ __forceinline__ float4 read(const float* from, int column) { return *reinterpret_cast<const float4*>(from + column); }

    static __device__ __forceinline__ void readPlanes(const float* plane0, const float* plane1, int columns, float (&x)[QUADS][4]) {
#pragma unroll
        for (int i = 0; i < QUADS; i++) {
            float4 a{}, b{};
            if (column(i) < columns) a = read(plane0, column(i)), b = read(plane1, column(i));
            x[i][0] = a.x + b.x, x[i][1] = a.y + b.y, x[i][2] = a.z + b.z, x[i][3] = a.w + b.w;
        }
    }

    // 1 / sqrt(mean(x^2) + epsilon)
    __device__ __forceinline__ float inverseRms(const float (&x)[QUADS][4], int columns, float (&partial)[BLOCK_WARPS]) const {
        float squares = 0;
#pragma unroll
        for (int i = 0; i < QUADS; i++) {
#pragma unroll
            for (int j = 0; j < 4; j++) squares = fmaf(x[i][j], x[i][j], squares);
        }
        return 1 / sqrtf(blockSum(squares, partial) / columns + r.epsilon);
    }

    // x = x * factor * weights
    static __device__ __forceinline__ void scale(float (&x)[QUADS][4], float factor, const float* weights, int columns) {
#pragma unroll
        for (int i = 0; i < QUADS; i++) {
            if (column(i) >= columns) continue;
            float4 w = read(weights, column(i));
            x[i][0] *= factor * w.x, x[i][1] *= factor * w.y, x[i][2] *= factor * w.z, x[i][3] *= factor * w.w;
        }
    }

    template <class Activations>
    __device__ __forceinline__ void prepare(const Activations& activations, int, int columns) const {
        __shared__ float partials[4][BLOCK_WARPS];
        float h[QUADS][4];
        if (r.branch0 != nullptr) {
            readPlanes(r.branch0, r.branch1, columns, h);
            if (r.other0 != nullptr) {
                float other[QUADS][4];
                readPlanes(r.other0, r.other1, columns, other);
                scale(h, inverseRms(h, columns, partials[0]), r.branchNorm, columns);
                scale(other, inverseRms(other, columns, partials[1]), r.otherNorm, columns);
#pragma unroll
                for (int i = 0; i < QUADS; i++) {
#pragma unroll
                    for (int j = 0; j < 4; j++) h[i][j] += other[i][j];
                }
            }
            scale(h, inverseRms(h, columns, partials[2]), r.postNorm, columns);
        } else {
#pragma unroll
            for (int i = 0; i < QUADS; i++) {
#pragma unroll
                for (int j = 0; j < 4; j++) h[i][j] = 0;
            }
        }
#pragma unroll
        for (int i = 0; i < QUADS; i++) {
            if (column(i) >= columns) continue;
            float4 before = read(r.hidden, column(i));
            h[i][0] = (before.x + h[i][0]) * r.hiddenScale, h[i][1] = (before.y + h[i][1]) * r.hiddenScale;
            h[i][2] = (before.z + h[i][2]) * r.hiddenScale, h[i][3] = (before.w + h[i][3]) * r.hiddenScale;
            if (r.hiddenOut != nullptr && blockIdx.x == 0) *reinterpret_cast<float4*>(r.hiddenOut + column(i)) = {h[i][0], h[i][1], h[i][2], h[i][3]};
        }
        if (r.norm != nullptr) scale(h, inverseRms(h, columns, partials[3]), r.norm, columns);
#pragma unroll
        for (int i = 0; i < QUADS; i++) {
            if (i * BLOCK_THREADS * 4 < columns) activations.store(column(i), column(i) < columns, h[i]);
        }
    }
};
