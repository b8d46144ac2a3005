// Weights in the layout of the file to a panel of f16. A thread decodes 16 columns of a row.
#pragma once
#include "block_formats.cuh"
#include "half.cuh"
#include "half_panel.cuh"

/** Grid (8 ceil(rows / 8), ceil(4 ceil(columns / 64) / 256), matrices), 256 threads. Rows past the last are zero. */
template <class FORMAT>
__device__ __forceinline__ void dequantize_rows(const uint8_t* weights, int rows, int columns, int64_t matrix_bytes, uint16_t* panels,
        int64_t panel_bytes, const int* first_tiles, int first_expert) {
    int matrix = blockIdx.z;
    unsigned run = blockIdx.y * blockDim.x + threadIdx.x;
    int row = blockIdx.x, column = run * RUN;
    if (column >= (columns + PANEL_COLUMNS - 1) / PANEL_COLUMNS * PANEL_COLUMNS
            || first_tiles != nullptr && first_tiles[first_expert + matrix] == first_tiles[first_expert + matrix + 1]) {
        return;
    }
    float values[RUN] = {};
    if (row < rows && column < columns) {
        FORMAT::decode(load_run<FORMAT>(weights + matrix * matrix_bytes + row * row_bytes<FORMAT>(columns), run, columns), run, values);
    }
    uint16_t* panel = panels + matrix * (panel_bytes / 2);
    int groups = (rows + PANEL_ROWS - 1) / PANEL_ROWS;
#pragma unroll
    for (int i = 0; i < RUN; i += 8) {
        *reinterpret_cast<uint4*>(panel + panel_index(groups, row, column + i)) =
                make_uint4(floats_to_half2(values[i], values[i + 1]), floats_to_half2(values[i + 2], values[i + 3]),
                        floats_to_half2(values[i + 4], values[i + 5]), floats_to_half2(values[i + 6], values[i + 7]));
    }
}

#define DEQUANTIZE_ROWS_KERNEL(type, FORMAT) \
    extern "C" __global__ void __launch_bounds__(256) dequantize_rows_##type(const uint8_t* weights, int rows, int columns, int64_t matrix_bytes, \
            uint16_t* panels, int64_t panel_bytes, const int* first_tiles, int first_expert) { \
        dequantize_rows<FORMAT>(weights, rows, columns, matrix_bytes, panels, panel_bytes, first_tiles, first_expert); \
    }
