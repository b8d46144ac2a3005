#pragma once
#include "block_formats.cuh"

/**
 * out[r][c] = scale * table[tokens[r]][first_column + c]: one thread for each run of 16 columns, grid (ceil(width / 16 / block), rows). The
 * table may be in mapped host memory.
 */
template <class FORMAT>
__device__ __forceinline__ void embed(const uint8_t* table, int table_columns, const int* tokens, int first_column, float scale, float* out,
        int64_t out_stride, int width) {
    int column = (blockIdx.x * blockDim.x + threadIdx.x) * RUN;
    if (column >= width) {
        return;
    }
    // first_column is a whole number of blocks, so the part of the row from there on is a row itself.
    const uint8_t* row = table + tokens[blockIdx.y] * row_bytes<FORMAT>(table_columns) + row_bytes<FORMAT>(first_column);
    float values[RUN];
    FORMAT::decode(load_run<FORMAT>(row, column / RUN, width), column / RUN, values);
    float* to = out + blockIdx.y * out_stride + column;
#pragma unroll
    for (int i = 0; i < RUN; i++) {
        if (column + i < width) {
            to[i] = values[i] * scale;
        }
    }
}

#define EMBED_KERNEL(type, FORMAT) \
    extern "C" __global__ void __launch_bounds__(256) embed_##type(const uint8_t* table, int table_columns, const int* tokens, \
            int first_column, float scale, float* out, int64_t out_stride, int width) { \
        embed<FORMAT>(table, table_columns, tokens, first_column, scale, out, out_stride, width); \
    }
