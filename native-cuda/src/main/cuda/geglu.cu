#include <stdint.h>

/**
 * out = gelu(gate) * up with the tanh form of GELU, 0.5 g (1 + tanh(y)), y = sqrt(2 / pi) (g + 0.044715 g^3). As g / (1 + exp(-2 y)) it keeps
 * its relative accuracy where the tanh is close to -1. out may be gate. Grid (ceil(width / block), rows).
 */
extern "C" __global__ void geglu(const float* gate, int64_t gate_stride, const float* up, int64_t up_stride, float* out, int64_t out_stride,
        int width) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= width) {
        return;
    }
    constexpr float SQRT_2_OVER_PI = 0.7978845608028654f;
    float g = gate[blockIdx.y * gate_stride + i];
    float y = SQRT_2_OVER_PI * (g + 0.044715f * g * g * g);
    out[blockIdx.y * out_stride + i] = g / (1 + expf(-2 * y)) * up[blockIdx.y * up_stride + i];
}
