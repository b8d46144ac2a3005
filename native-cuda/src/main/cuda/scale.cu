#include <stdint.h>

/** x *= scale. Grid (ceil(width / block), rows). */
extern "C" __global__ void scale(float* x, int64_t stride, float scale, int width) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < width) {
        x[blockIdx.y * stride + i] *= scale;
    }
}
