#pragma once
#include "block_formats.cuh"
#include "block_reduce.cuh"
#include "dependent_launch.cuh"

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

/** Columns of a layer that per_layer_input can have. */
constexpr int MAX_LAYER_COLUMNS = 1024;

/**
 * What the per-layer embeddings of a run of layers add, of one token: out = (rms(plane0 + plane1) * norm + table_scale * table[token]) / sqrt(2),
 * the norm being that of each layer's `width` columns. A block for each layer. The table may be in mapped host memory.
 */
template <class FORMAT>
__device__ __forceinline__ void per_layer_input(const float* plane0, const float* plane1, const float* norm, float epsilon, const uint8_t* table,
        int table_columns, const int* token, int first_column, float table_scale, float* out, int width) {
    __shared__ float looked_up[MAX_LAYER_COLUMNS];
    launchDependents();
    // Neither the table nor the token has been written for long, and the table is far away.
    int layer_column = blockIdx.x * width;
    const uint8_t* row = table + *token * row_bytes<FORMAT>(table_columns) + row_bytes<FORMAT>(first_column + layer_column);
    for (int run = threadIdx.x; run * RUN < width; run += blockDim.x) {
        float values[RUN];
        FORMAT::decode(load_run<FORMAT>(row, run, width), run, values);
#pragma unroll
        for (int i = 0; i < RUN; i++) {
            if (run * RUN + i < width) {
                looked_up[run * RUN + i] = values[i] * table_scale;
            }
        }
    }
    waitForPredecessors();
    const float* x0 = plane0 + layer_column;
    const float* x1 = plane1 + layer_column;
    float squares = 0;
    for (int i = threadIdx.x; i < width; i += blockDim.x) {
        float x = x0[i] + x1[i];
        squares += x * x;
    }
    float factor = __frsqrt_rn(block_sum(squares) / width + epsilon);
    for (int i = threadIdx.x; i < width; i += blockDim.x) {
        out[layer_column + i] = ((x0[i] + x1[i]) * factor * norm[i] + looked_up[i]) * 0.70710678f;
    }
}

#define EMBED_KERNEL(type, FORMAT) \
    extern "C" __global__ void __launch_bounds__(256) per_layer_input_##type(const float* plane0, const float* plane1, const float* norm, \
            float epsilon, const uint8_t* table, int table_columns, const int* token, int first_column, float table_scale, float* out, int width) { \
        per_layer_input<FORMAT>(plane0, plane1, norm, epsilon, table, table_columns, token, first_column, table_scale, out, width); \
    } \
    extern "C" __global__ void __launch_bounds__(256) embed_##type(const uint8_t* table, int table_columns, const int* tokens, \
            int first_column, float scale, float* out, int64_t out_stride, int width) { \
        embed<FORMAT>(table, table_columns, tokens, first_column, scale, out, out_stride, width); \
    }
