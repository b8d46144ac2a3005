// Where the sums of the tensor-core products go. A thread hands in, for each of its two rows of 16, the sums of columns 8 j + 2 (lane % 4) (+ 1) for
// j = 0 .. 3 of 32 columns: what the fragments of mma and of wgmma have in common.
#pragma once
#include "half.cuh"
#include "half_panel.cuh"

/** The rows of a product: those from `first` on, `count` of them. */
struct ProductRows {
    int first, count;
};

/** What sums of a row have to be multiplied with; null: 1. */
__device__ __forceinline__ float scale_of_row(const float* scales, int row) {
    return scales == nullptr ? 1 : scales[row];
}

/** 32-bit floats [row][stride]; with routed experts rows are those of the slots. */
struct FloatOutput {
    const float* in_scales;
    float* out;
    int64_t stride;
    int outputs;
    const int* slots; // null: rows as they stand

    struct Row {
        float* to;
        float scale;
        int outputs;
        bool pairs;

        __device__ __forceinline__ void put(int column, const float (&c)[8]) {
            if (to == nullptr) {
                return;
            }
#pragma unroll
            for (int j = 0; j < 4; j++) {
                int at = column + 8 * j + threadIdx.x % 4 * 2;
                if (pairs && at + 1 < outputs) {
                    *reinterpret_cast<float2*>(to + at) = make_float2(c[2 * j] * scale, c[2 * j + 1] * scale);
                } else {
                    if (at < outputs) {
                        to[at] = c[2 * j] * scale;
                    }
                    if (at + 1 < outputs) {
                        to[at + 1] = c[2 * j + 1] * scale;
                    }
                }
            }
        }
        __device__ __forceinline__ void end() {}
    };

    __device__ __forceinline__ bool wants(const ProductRows&) const {
        return true;
    }
    __device__ __forceinline__ Row row(const ProductRows& rows, int i) const {
        bool aligned = stride % 2 == 0 && (reinterpret_cast<uintptr_t>(out) & 7) == 0;
        if (i >= rows.count) {
            return {nullptr, 0, 0, false};
        }
        int place = rows.first + i;
        return {out + (slots == nullptr ? place : slots[place]) * stride, scale_of_row(in_scales, place), outputs, aligned};
    }
};

/**
 * gelu(gate) * up as a panel of f16 for the next product. Weight rows are in the order of geglu_row: a thread has gate and up of four consecutive outputs.
 *
 * The power of two that brings a row into the range of f16 is known only when all of it is. So the first pass takes 1, and notes the largest magnitude of
 * each row; the second does tiles again that have a row beyond that range or all small, and leaves the others. `scales` get the inverse powers.
 */
struct GegluOutput {
    const float* in_scales;
    uint16_t* panel;
    int groups;
    int outputs; // gate and up together
    unsigned* largest;
    float* scales;
    bool again; // the second pass
    static constexpr float SMALL = 0.0625f, LARGE = 65504;

    /** gelu_tanh(g) * u: as g / (1 + exp(-2 y)) it keeps its relative accuracy where the tanh is close to -1. */
    static __device__ __forceinline__ float geglu(float g, float u) {
        constexpr float SQRT_2_OVER_PI = 0.7978845608028654f;
        float y = SQRT_2_OVER_PI * (g + 0.044715f * g * g * g);
        return __fdividef(g, 1 + __expf(-2 * y)) * u;
    }

    static __device__ __forceinline__ float power(float largest) {
        return largest >= SMALL && largest <= LARGE || largest == 0 ? 1 : half_range_power(largest);
    }

    struct Row {
        uint16_t* to; // the row in its first atom
        int64_t atom_stride;
        float scale, power, largest;
        unsigned* noted;
        int swizzle, outputs;

        __device__ __forceinline__ void put(int column, const float (&c)[8]) {
            float h[4];
#pragma unroll
            for (int j = 0; j < 4; j++) {
                h[j] = geglu(c[2 * j] * scale, c[2 * j + 1] * scale);
            }
            if (to == nullptr || column >= outputs) {
                return;
            }
#pragma unroll
            for (int j = 0; j < 4; j++) {
                largest = fmaxf(largest, fabsf(h[j]));
            }
            int feature = column / 2 + threadIdx.x % 4 * 4;
            int unit = feature % PANEL_COLUMNS / 8 ^ swizzle;
            *reinterpret_cast<uint2*>(to + feature / PANEL_COLUMNS * atom_stride + unit * 8 + feature % 8) =
                    make_uint2(floats_to_half2(h[0] * power, h[1] * power), floats_to_half2(h[2] * power, h[3] * power));
        }
        __device__ __forceinline__ void end() {
            float of_row = fmaxf(largest, __shfl_xor_sync(0xFFFFFFFFu, largest, 1));
            of_row = fmaxf(of_row, __shfl_xor_sync(0xFFFFFFFFu, of_row, 2));
            if (noted != nullptr && threadIdx.x % 4 == 0) {
                atomicMax(noted, __float_as_uint(of_row));
            }
        }
    };

    /** Whether any of the rows needs another power than it has been written with. */
    __device__ __forceinline__ bool wants(const ProductRows& rows) const {
        bool wanted = !again;
        for (int i = threadIdx.x % 32; again && i < rows.count; i += 32) {
            wanted |= power(__uint_as_float(largest[rows.first + i])) != 1;
        }
        return __any_sync(0xFFFFFFFFu, wanted);
    }
    __device__ __forceinline__ Row row(const ProductRows& rows, int i) const {
        if (i >= rows.count) {
            return {nullptr, 0, 0, 1, 0, nullptr, 0, 0};
        }
        int place = rows.first + i;
        float factor = again ? power(__uint_as_float(largest[place])) : 1;
        if (threadIdx.x % 4 == 0) {
            scales[place] = inverse_power(factor);
        }
        return {panel + panel_index(groups, place, 0) - (place % PANEL_ROWS) * 8, static_cast<int64_t>(groups) * ATOM_HALVES, scale_of_row(in_scales, place), factor, 0,
                again ? nullptr : largest + place, place % PANEL_ROWS, outputs};
    }
};
