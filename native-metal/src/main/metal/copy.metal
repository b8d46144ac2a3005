#include <metal_stdlib>
using namespace metal;

/** Strides in floats. */
struct CopyArguments {
    uint in_stride;
    uint out_stride;
    uint width;
};
static_assert(sizeof(CopyArguments) == 12, "as in MetalElementwise");

/** out = in. Grid of threads (at least width, rows). */
kernel void copy(device const float * in [[buffer(0)]], device float * out [[buffer(1)]],
        constant CopyArguments & args [[buffer(2)]], uint2 position [[thread_position_in_grid]]) {
    if (position.x >= args.width) {
        return;
    }
    out[ulong(position.y) * args.out_stride + position.x] = in[ulong(position.y) * args.in_stride + position.x];
}
