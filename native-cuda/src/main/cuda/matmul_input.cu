#include "block_reduce.cuh"
#include "half.cuh"

/**
 * Activations as the tensor-core products read them: each row times a power of two that brings its largest magnitude into [2^14, 2^15), rounded
 * to f16, zeros up to a multiple of 64 columns; scales[row] is the inverse of the power. Scaling by powers of two is exact, and keeps values
 * beyond the f16 range, which Gemma's feed-forward products reach. Grid (rows).
 */
extern "C" __global__ void __launch_bounds__(1024) matmul_input(const float* in, int64_t in_stride, int columns, uint16_t* halves, float* scales) {
    const float* x = in + blockIdx.x * in_stride;
    float largest = 0;
#pragma unroll 8
    for (int i = threadIdx.x; i < columns; i += blockDim.x) {
        largest = fmaxf(largest, fabsf(x[i]));
    }
    largest = block_max(largest);
    // The exponent fields of powers of two: 127 + 14 - floor(log2(largest)), within what both the power and its inverse can be.
    int field = static_cast<int>(__float_as_uint(largest) >> 23);
    int power_field = field == 0 || field == 255 ? 127 : min(127 + 14 - (field - 127), 253);
    float power = __uint_as_float(power_field << 23);
    if (threadIdx.x == 0) {
        scales[blockIdx.x] = __uint_as_float((254 - power_field) << 23);
    }
    int padded = (columns + 63) / 64 * 64;
    uint32_t* to = reinterpret_cast<uint32_t*>(halves + static_cast<int64_t>(blockIdx.x) * padded);
#pragma unroll 8
    for (int i = threadIdx.x; i < padded / 2; i += blockDim.x) {
        float first = 2 * i < columns ? x[2 * i] * power : 0;
        float second = 2 * i + 1 < columns ? x[2 * i + 1] * power : 0;
        to[i] = floats_to_half2(first, second);
    }
}
