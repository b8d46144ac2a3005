#include <metal_stdlib>
using namespace metal;

/** Strides in floats. */
struct CombineExpertsArguments {
    uint in_stride;
    uint out_stride;
    uint width;
    uint per_row;
};
static_assert(sizeof(CombineExpertsArguments) == 16, "as in MetalExperts");

/** out[r] = sum_j weights[r][j] * in[r * per_row + j]. Grid of threads (at least width, rows). */
kernel void combine_experts(device const float * in [[buffer(0)]], device const float * weights [[buffer(1)]], device float * out [[buffer(2)]],
        constant CombineExpertsArguments & args [[buffer(3)]], uint2 position [[thread_position_in_grid]]) {
    if (position.x >= args.width) {
        return;
    }
    float sum = 0.0f;
    for (uint j = 0; j < args.per_row; j++) {
        const ulong slot = ulong(position.y) * args.per_row + j;
        sum += weights[slot] * in[slot * args.in_stride + position.x];
    }
    out[ulong(position.y) * args.out_stride + position.x] = sum;
}
