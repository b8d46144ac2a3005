// How a block obtains its input vector: a prepared one, or the residual stream with its norms (README.md, argument group N).
#pragma once

#include "block_reduction.cuh"
#include "matvec_activations.cuh"
#include "tensor_core.cuh"

struct CopyVector {
    Vector vector;

    // What is read before the wait: weights only. sharedFloats() of it are on their way to shared memory.
    struct Early {};
    static __device__ __forceinline__ int sharedFloats(int) { return 0; }
    __device__ __forceinline__ Early readEarly(int, float*) const { return {}; }

    template <class Activations>
    __device__ __forceinline__ void prepare(const Early&, const Activations& activations, int slots, int columns) const {
        activations.copy(vector, slots, columns);
    }
};

// Without a branch, so that the next ones are on their way at once.
#define PREDICATED_LOAD(LOAD, QUAD, FROM, CONDITION)                                                                                                        \
    asm volatile("{.reg .pred p; setp.ne.b32 p, %5, 0; @p " LOAD " {%0, %1, %2, %3}, [%4];}"                                                                \
                 : "+f"((QUAD).x), "+f"((QUAD).y), "+f"((QUAD).z), "+f"((QUAD).w)                                                                           \
                 : "l"(FROM), "r"(int(CONDITION)))

// N, with the elements of a thread in registers, in quads.
template <int QUADS>
struct NormalizeQuads {
    using Elements = float[QUADS][4];
    // Beside the shared memory of mat-vecs L1 is small, and what is under way takes room in it: for both parts of a wide branch there is too little.
    static constexpr bool PAST_L1 = QUADS > 2;
    // Registers suffice for all that is added at once.
    static constexpr bool HIDDEN_FIRST = QUADS <= 2;

    static __device__ __forceinline__ int column(int quad) { return (quad * BLOCK_THREADS + threadIdx.x) * 4; }

    // Elements beyond the columns are zero.
    static __device__ __forceinline__ void readAll(const float* from, int columns, Elements& x) {
#pragma unroll
        for (int i = 0; i < QUADS; i++) {
            float4 quad{};
            if (column(i) < columns) quad = *reinterpret_cast<const float4*>(from + column(i));
            x[i][0] = quad.x, x[i][1] = quad.y, x[i][2] = quad.z, x[i][3] = quad.w;
        }
    }

    // Of what earlier kernels wrote: loaded where this is written.
    static __device__ __forceinline__ void readNew(const float* from, int columns, Elements& x) {
#pragma unroll
        for (int i = 0; i < QUADS; i++) {
            float4 quad{};
            if (PAST_L1) {
                PREDICATED_LOAD("ld.global.cg.v4.f32", quad, from + column(i), column(i) < columns);
            } else {
                PREDICATED_LOAD("ld.global.v4.f32", quad, from + column(i), column(i) < columns);
            }
            x[i][0] = quad.x, x[i][1] = quad.y, x[i][2] = quad.z, x[i][3] = quad.w;
        }
    }

    // x = f(x, y) element by element
    template <class Other, class Function>
    static __device__ __forceinline__ void combine(Elements& x, const Other& y, const Function& f) {
#pragma unroll
        for (int i = 0; i < QUADS; i++) {
#pragma unroll
            for (int j = 0; j < 4; j++) x[i][j] = f(x[i][j], y[i][j]);
        }
    }

    static __device__ __forceinline__ void readPlanes(const float* plane0, const float* plane1, int columns, Elements& x) {
        Elements second;
        readNew(plane0, columns, x);
        readNew(plane1, columns, second);
        combine(x, second, [](float a, float b) { return a + b; });
    }

    // 1 / sqrt(mean(x^2) + epsilon)
    static __device__ __forceinline__ float inverseRms(const Elements& x, int columns, float epsilon, WarpPartials& partials) {
        float squares = 0;
#pragma unroll
        for (int i = 0; i < QUADS; i++) {
#pragma unroll
            for (int j = 0; j < 4; j++) squares = fmaf(x[i][j], x[i][j], squares);
        }
        return rsqrtf(__fdividef(blockSum(squares, partials), columns) + epsilon);
    }

    template <class Weights>
    static __device__ __forceinline__ void scale(Elements& x, float factor, const Weights& weights) {
        combine(x, weights, [=](float a, float w) { return a * (factor * w); });
    }

    // early.postNorm has as many quads as any residual.
    template <class Activations, class Early>
    static __device__ __forceinline__ void prepare(const Residual& r, const Early& early, const Activations& activations, int columns,
                                                   WarpPartials (&partials)[4]) {
        Elements h;
        if (r.branch0 != nullptr) {
            Elements branch;
            const bool hiddenFirst = HIDDEN_FIRST && r.other0 == nullptr;
            if (hiddenFirst) readNew(r.hidden, columns, h);
            readPlanes(r.branch0, r.branch1, columns, branch);
            if (r.other0 != nullptr) {
                Elements other, weights;
                readPlanes(r.other0, r.other1, columns, other);
                readAll(r.branchNorm, columns, weights);
                scale(branch, inverseRms(branch, columns, r.epsilon, partials[0]), weights);
                readAll(r.otherNorm, columns, weights);
                scale(other, inverseRms(other, columns, r.epsilon, partials[1]), weights);
                combine(branch, other, [](float a, float b) { return a + b; });
            }
            // Reading goes on while the block adds.
            if (!hiddenFirst) readNew(r.hidden, columns, h);
            scale(branch, inverseRms(branch, columns, r.epsilon, partials[2]), early.postNorm);
            combine(h, branch, [](float a, float b) { return a + b; });
        } else {
            readNew(r.hidden, columns, h);
        }
#pragma unroll
        for (int i = 0; i < QUADS; i++) {
#pragma unroll
            for (int j = 0; j < 4; j++) h[i][j] *= r.hiddenScale;
            if (r.hiddenOut != nullptr && blockIdx.x == 0 && column(i) < columns)
                *reinterpret_cast<float4*>(r.hiddenOut + column(i)) = {h[i][0], h[i][1], h[i][2], h[i][3]};
        }
        if (r.norm != nullptr) {
            const float factor = inverseRms(h, columns, r.epsilon, partials[3]);
            Elements norm;
            wait_for_copies<0>();
            readAll(early.norm, columns, norm);
            scale(h, factor, norm);
        }
#pragma unroll
        for (int i = 0; i < QUADS; i++) {
            if (i * BLOCK_THREADS * 4 < columns) activations.store(column(i), column(i) < columns, h[i], OwnShared{});
        }
    }
};

// For up to MAX_QUADS * 2048 columns.
template <int MAX_QUADS>
struct NormalizeUpTo {
    Residual r;

    // Norm weights are as cold as the others, and every block needs all of them at once. Registers suffice for one vector of them; of the other, in shared memory,
    // each thread reads what it has copied.
    struct Early {
        float postNorm[MAX_QUADS][4];
        const float* norm;
    };

    static __device__ __forceinline__ int sharedFloats(int columns) { return columns; }

    __device__ __forceinline__ Early readEarly(int columns, float* shared) const {
        Early early;
        early.norm = shared;
        if (r.other0 != nullptr) {
            prefetchLines(r.branchNorm, columns);
            prefetchLines(r.otherNorm, columns);
        }
        if (r.norm != nullptr) {
#pragma unroll
            for (int i = 0; i < MAX_QUADS; i++) {
                const int column = NormalizeQuads<MAX_QUADS>::column(i);
                if (column < columns) copy_16_bytes_async(shared + column, r.norm + column, true);
            }
            end_copy_group();
        }
        if (r.branch0 != nullptr) NormalizeQuads<MAX_QUADS>::readAll(r.postNorm, columns, early.postNorm);
        return early;
    }

    static __device__ __forceinline__ void prefetchLines(const float* weights, int columns) {
        int first = threadIdx.x * 32;
        if (first < columns) asm volatile("prefetch.global.L2 [%0];" ::"l"(weights + first));
    }

    // One for all input formats of a kernel.
    static __device__ __forceinline__ WarpPartials (&ownPartials())[4] {
        __shared__ WarpPartials partials[4];
        return partials;
    }

    // Every warp of every block goes through all instructions: code for the widest residual would take a narrow one three times as long.
    template <class Activations>
    __device__ __forceinline__ void prepare(const Early& early, const Activations& activations, int, int columns) const {
        WarpPartials(&partials)[4] = ownPartials();
        constexpr int QUAD_COLUMNS = 4 * BLOCK_THREADS;
        if (columns <= QUAD_COLUMNS) {
            NormalizeQuads<1>::prepare(r, early, activations, columns, partials);
        } else if (MAX_QUADS == 2 || columns <= 2 * QUAD_COLUMNS) {
            NormalizeQuads<2>::prepare(r, early, activations, columns, partials);
        } else {
            NormalizeQuads<MAX_QUADS>::prepare(r, early, activations, columns, partials);
        }
    }
};

using NormalizeResidual = NormalizeUpTo<3>;
