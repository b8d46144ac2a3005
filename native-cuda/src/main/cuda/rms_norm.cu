#include "rms.cuh"

/**
 * Root-mean-square norm of groups of `width` columns: out = in / sqrt(mean(in^2) + epsilon) * norm; norm null is 1. In place if out is in.
 * Grid (groups, rows).
 */
extern "C" __global__ void __launch_bounds__(1024) rms_norm(
        const float* in, int64_t in_stride, const float* norm, int width, float epsilon, float* out, int64_t out_stride) {
    const float* x = in + blockIdx.y * in_stride + static_cast<int64_t>(blockIdx.x) * width;
    float* to = out + blockIdx.y * out_stride + static_cast<int64_t>(blockIdx.x) * width;
    float factor = inverse_rms(x, width, epsilon);
#pragma unroll 8
    for (int i = threadIdx.x; i < width; i += blockDim.x) {
        to[i] = x[i] * factor * (norm == nullptr ? 1 : norm[i]);
    }
}
