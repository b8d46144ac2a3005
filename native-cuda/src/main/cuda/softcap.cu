#include <stdint.h>

/** x = cap * tanh(x / cap). Grid (ceil(width / block), rows). */
extern "C" __global__ void softcap(float* x, int64_t stride, float cap, int width) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < width) {
        float* to = x + blockIdx.y * stride + i;
        *to = cap * tanhf(*to / cap);
    }
}
