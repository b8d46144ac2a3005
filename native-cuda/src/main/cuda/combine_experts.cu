#include <stdint.h>

/** out[r] = sum_j weights[r][j] * in[r * k + j]. Grid (ceil(width / block), rows). */
extern "C" __global__ void combine_experts(
        const float* in, int64_t in_stride, const float* weights, int k, float* out, int64_t out_stride, int width) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < width) {
        float sum = 0;
        for (int j = 0; j < k; j++) {
            int64_t slot = static_cast<int64_t>(blockIdx.y) * k + j;
            sum += weights[slot] * in[slot * in_stride + i];
        }
        out[blockIdx.y * out_stride + i] = sum;
    }
}
