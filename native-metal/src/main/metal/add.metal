#include <metal_stdlib>
using namespace metal;

/** Strides in floats. */
struct AddArguments {
    uint x_stride;
    uint y_stride;
    uint width;
    float scale;
};
static_assert(sizeof(AddArguments) == 16, "as in MetalElementwise");

/** x = (x + y) * scale. Grid of threads (at least width, rows). */
kernel void add(device float * x [[buffer(0)]], device const float * y [[buffer(1)]],
        constant AddArguments & args [[buffer(2)]], uint2 position [[thread_position_in_grid]]) {
    if (position.x >= args.width) {
        return;
    }
    device float * to = x + ulong(position.y) * args.x_stride + position.x;
    *to = (*to + y[ulong(position.y) * args.y_stride + position.x]) * args.scale;
}
