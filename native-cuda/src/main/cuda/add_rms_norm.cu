#include "rms.cuh"

/** residual += in / sqrt(mean(in^2) + epsilon) * norm. Grid (1, rows). */
extern "C" __global__ void __launch_bounds__(1024) add_rms_norm(
        const float* in, int64_t in_stride, const float* norm, int width, float epsilon, float* residual, int64_t residual_stride) {
    const float* x = in + blockIdx.y * in_stride;
    float* sum = residual + blockIdx.y * residual_stride;
    float factor = inverse_rms(x, width, epsilon);
#pragma unroll 8
    for (int i = threadIdx.x; i < width; i += blockDim.x) {
        sum[i] += x[i] * factor * norm[i];
    }
}
