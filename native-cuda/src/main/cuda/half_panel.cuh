// Panels: matrices of f16 as the tensor-core products read them. A panel is [ceil(columns / 64)][groups] atoms of 1024 bytes, groups = ceil(rows / 8).
// An atom is 8 rows by 64 columns: row i at byte 128 i, its 16-byte unit u (columns 8u .. 8u + 7) at place u ^ i of the row. This is the 128-byte
// swizzle of wgmma, and what ldmatrix reads without bank conflicts, so that any run of rows from a multiple of 8 on is copied to shared memory as it
// stands. Columns past the last are zero. Products read up to PANEL_SLACK_BYTES past the last atom, and ignore what rows past the last give.
#pragma once
#include <stdint.h>

constexpr int PANEL_COLUMNS = 64;
constexpr int PANEL_ROWS = 8;
constexpr int ATOM_BYTES = 1024;
constexpr int ATOM_HALVES = ATOM_BYTES / 2;
constexpr int ATOM_ROW_HALVES = 64;

/** Halves from the start of a panel to element (row, column). */
__device__ __forceinline__ int64_t panel_index(int groups, int row, int column) {
    int64_t atom = static_cast<int64_t>(column / PANEL_COLUMNS) * groups + row / PANEL_ROWS;
    int unit = column % PANEL_COLUMNS / 8 ^ row % PANEL_ROWS;
    return atom * ATOM_HALVES + row % PANEL_ROWS * ATOM_ROW_HALVES + unit * 8 + column % 8;
}

/**
 * The power of two that brings a row whose largest magnitude is `largest` into the range of f16: to [2^14, 2^15). Its inverse is a float, too. Scaling by
 * powers of two is exact, and Gemma's feed-forward products exceed the range of f16.
 */
__device__ __forceinline__ float half_range_power(float largest) {
    // 127 + 14 - floor(log2(largest)) as the exponent field, within what both the power and its inverse can be.
    int field = static_cast<int>(__float_as_uint(largest) >> 23);
    int power_field = field == 0 || field == 255 ? 127 : min(127 + 14 - (field - 127), 253);
    return __uint_as_float(power_field << 23);
}

/** 1 / power, of a power of two. */
__device__ __forceinline__ float inverse_power(float power) {
    return __uint_as_float((254u << 23) - __float_as_uint(power));
}
