#include <stdint.h>

/**
 * out[i] = in[logit_rows[i]], logit_rows ascending. One thread moves a column of all rows in their order, since in place a row's old value is
 * read before a later row takes its place. Grid (ceil(width / block)).
 */
extern "C" __global__ void gather_logit_rows(
        const float* in, int64_t in_stride, const int* logit_rows, int logit_row_count, float* out, int64_t out_stride, int width) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < width) {
        for (int row = 0; row < logit_row_count; row++) {
            out[row * out_stride + i] = in[logit_rows[row] * in_stride + i];
        }
    }
}
