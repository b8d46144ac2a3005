#include <stdint.h>

/**
 * Turns pair i, elements (i, i + head_dim / 2), of every head by positions[row] * inverse_frequencies[i] radians, in place. Grid
 * (ceil(head_dim / 2 / block), rows, groups of heads).
 */
extern "C" __global__ void rope_half_split(
        float* heads, int64_t stride, int head_count, int head_dim, const double* inverse_frequencies, const int* positions) {
    int pairs = head_dim / 2;
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= pairs || inverse_frequencies[i] == 0) {
        return;
    }
    // In double precision down to one turn: at position 100,000 a float angle would be off by a hundredth.
    constexpr double TURN = 6.283185307179586;
    double angle = positions[blockIdx.y] * inverse_frequencies[i];
    float sine, cosine;
    sincosf(static_cast<float>(angle - TURN * rint(angle / TURN)), &sine, &cosine);
    float* row = heads + blockIdx.y * stride;
    for (int head = blockIdx.z; head < head_count; head += gridDim.z) {
        float* x = row + static_cast<int64_t>(head) * head_dim + i;
        float a = x[0], b = x[pairs];
        x[0] = a * cosine - b * sine;
        x[pairs] = a * sine + b * cosine;
    }
}
