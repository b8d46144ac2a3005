#include "block_reduce.cuh"
#include "half.cuh"
#include "half_panel.cuh"

/** Eight columns of a row from `column` on; those from `columns` on are 0. */
__device__ __forceinline__ void load_columns(const float* row, int column, int columns, bool aligned, float (&x)[8]) {
    if (aligned && column + 8 <= columns) {
        float4 first = *reinterpret_cast<const float4*>(row + column), second = *reinterpret_cast<const float4*>(row + column + 4);
        x[0] = first.x, x[1] = first.y, x[2] = first.z, x[3] = first.w, x[4] = second.x, x[5] = second.y, x[6] = second.z, x[7] = second.w;
    } else {
#pragma unroll
        for (int i = 0; i < 8; i++) {
            x[i] = column + i < columns ? row[column + i] : 0;
        }
    }
}

/**
 * Activations as the tensor-core products read them: a panel of f16, each row times a power of two that brings its largest magnitude into
 * [2^14, 2^15); scales[row] is the inverse of the power. With `epsilon` at least 0, of the root-mean-square norm of the row, times `norm` unless that
 * is null. With `slots`, row r of the panel is row slots[r] / slots_per_in_row; rows of negative slots are left alone. Grid (rows).
 */
extern "C" __global__ void __launch_bounds__(1024) matmul_input(const float* in, int64_t in_stride, int columns, const float* norm, float epsilon,
        const int* slots, int slots_per_in_row, uint16_t* panel, int groups, float* scales) {
    int row = blockIdx.x;
    int in_row = slots == nullptr ? row : slots[row];
    if (in_row < 0) {
        return;
    }
    const float* x = in + (slots == nullptr ? in_row : in_row / slots_per_in_row) * in_stride;
    bool aligned = (reinterpret_cast<uintptr_t>(x) & 15) == 0 && (reinterpret_cast<uintptr_t>(norm) & 15) == 0;
    float largest = 0, squares = 0;
#pragma unroll 2
    for (int column = threadIdx.x * 8; column < columns; column += blockDim.x * 8) {
        float v[8], w[8];
        load_columns(x, column, columns, aligned, v);
        if (norm != nullptr) {
            load_columns(norm, column, columns, aligned, w);
        }
#pragma unroll
        for (int i = 0; i < 8; i++) {
            squares += v[i] * v[i];
            largest = fmaxf(largest, fabsf(norm == nullptr ? v[i] : v[i] * w[i]));
        }
    }
    float factor = epsilon < 0 ? 1 : __frsqrt_rn(block_sum(squares) / columns + epsilon);
    float power = half_range_power(block_max(largest) * factor);
    if (threadIdx.x == 0) {
        scales[row] = inverse_power(power);
    }
    factor *= power;
    int padded = (columns + PANEL_COLUMNS - 1) / PANEL_COLUMNS * PANEL_COLUMNS;
#pragma unroll 2
    for (int column = threadIdx.x * 8; column < padded; column += blockDim.x * 8) {
        float v[8], w[8];
        load_columns(x, column, columns, aligned, v);
        if (norm != nullptr) {
            load_columns(norm, column, columns, aligned, w);
        }
        uint32_t to[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            float first = v[2 * i] * factor, second = v[2 * i + 1] * factor;
            to[i] = norm == nullptr ? floats_to_half2(first, second) : floats_to_half2(first * w[2 * i], second * w[2 * i + 1]);
        }
        *reinterpret_cast<uint4*>(panel + panel_index(groups, row, column)) = make_uint4(to[0], to[1], to[2], to[3]);
    }
}
