#include "rms.cuh"

/** residual += in / sqrt(mean(in^2) + epsilon) * norm. Grid (1, rows). */
extern "C" __global__ void __launch_bounds__(1024) add_rms_norm(
        const float* in, int64_t in_stride, const float* norm, int width, float epsilon, float* residual, int64_t residual_stride) {
    const float* x = in + blockIdx.y * in_stride;
    float* sum = residual + blockIdx.y * residual_stride;
    float factor = inverse_rms(x, width, epsilon);
    for (int first = threadIdx.x; first < width; first += ROW_BATCH * blockDim.x) {
        float values[ROW_BATCH];
#pragma unroll
        for (int j = 0; j < ROW_BATCH; j++) {
            int i = first + j * blockDim.x;
            values[j] = i < width ? sum[i] + x[i] * factor * norm[i] : 0;
        }
#pragma unroll
        for (int j = 0; j < ROW_BATCH; j++) {
            int i = first + j * blockDim.x;
            if (i < width) {
                sum[i] = values[j];
            }
        }
    }
}
