#include "tile_formats_float.cuh"

// Products with 32-bit weights in tiles, in 32-bit floats: a block computes 64 rows by 64 outputs, 32 columns of both at a time; a thread 4 by 4 of them.

constexpr int BLOCK_ROWS = 64;
constexpr int BLOCK_OUTPUTS = 64;
constexpr int BLOCK_COLUMNS = F32::TILE_COLUMNS;

/** Grid (ceil(outputs / 64), ceil(rows / 64)), 256 threads. Rows of `in` start at multiples of 16 bytes. */
extern "C" __global__ void __launch_bounds__(256) matmul_f32_tiles(
        const uint8_t* tiles, int outputs, int columns, const float* in, int64_t in_stride, int rows, float* out, int64_t out_stride) {
    // Columns first, so that a thread reads its four rows or outputs together; the padding keeps 16-byte alignment.
    __shared__ __align__(16) float row_values[BLOCK_COLUMNS][BLOCK_ROWS + 4], weight_values[BLOCK_COLUMNS][BLOCK_OUTPUTS + 4];
    RowTileShape<F32> shape(columns);
    int first_output = blockIdx.x * BLOCK_OUTPUTS, first_row = blockIdx.y * BLOCK_ROWS;
    int to_row = threadIdx.x / 16 * 4, to_output = threadIdx.x % 16 * 4;
    float sums[4][4] = {};
    for (int tile = 0; tile < shape.tiles; tile++) {
        int chunks = tile == shape.tiles - 1 ? shape.lastChunks : CHUNKS_PER_TILE;
        __syncthreads();
#pragma unroll
        for (int i = 0; i < 2; i++) {
            int line = (i * 256 + threadIdx.x) / CHUNKS_PER_TILE, chunk = threadIdx.x % CHUNKS_PER_TILE;
            float4 x = {}, w = {};
            if (chunk < chunks && first_row + line < rows) {
                x = *reinterpret_cast<const float4*>(in + (first_row + line) * in_stride + tile * BLOCK_COLUMNS + chunk * 4);
            }
            int output = first_output + line;
            if (chunk < chunks && output < outputs) {
                const uint8_t* from = tiles + output / ROWS_PER_TILE * shape.bytes() + static_cast<int64_t>(tile) * F32::TILE_BYTES;
                w = *reinterpret_cast<const float4*>(from + (output % ROWS_PER_TILE * chunks + chunk) * 16);
            }
            row_values[chunk * 4][line] = x.x, row_values[chunk * 4 + 1][line] = x.y, row_values[chunk * 4 + 2][line] = x.z, row_values[chunk * 4 + 3][line] = x.w;
            weight_values[chunk * 4][line] = w.x, weight_values[chunk * 4 + 1][line] = w.y, weight_values[chunk * 4 + 2][line] = w.z, weight_values[chunk * 4 + 3][line] = w.w;
        }
        __syncthreads();
        // Sums of 32 products are added up: fewer roundings in a row than one by one.
        float of_tile[4][4] = {};
#pragma unroll 8
        for (int k = 0; k < BLOCK_COLUMNS; k++) {
            float4 x = *reinterpret_cast<const float4*>(&row_values[k][to_row]), w = *reinterpret_cast<const float4*>(&weight_values[k][to_output]);
            float of_rows[4] = {x.x, x.y, x.z, x.w}, of_outputs[4] = {w.x, w.y, w.z, w.w};
#pragma unroll
            for (int i = 0; i < 4; i++) {
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    of_tile[i][j] = fmaf(of_rows[i], of_outputs[j], of_tile[i][j]);
                }
            }
        }
#pragma unroll
        for (int i = 0; i < 4; i++) {
#pragma unroll
            for (int j = 0; j < 4; j++) {
                sums[i][j] += of_tile[i][j];
            }
        }
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
            if (first_row + to_row + i < rows && first_output + to_output + j < outputs) {
                out[(first_row + to_row + i) * out_stride + first_output + to_output + j] = sums[i][j];
            }
        }
    }
}
