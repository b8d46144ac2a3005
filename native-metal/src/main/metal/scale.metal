#include <metal_stdlib>
using namespace metal;

/** Strides in floats. */
struct ScaleArguments {
    uint stride;
    uint width;
    float scale;
};
static_assert(sizeof(ScaleArguments) == 12, "as in MetalElementwise");

/** x *= scale. Grid of threads (at least width, rows). */
kernel void scale(device float * x [[buffer(0)]],
        constant ScaleArguments & args [[buffer(1)]], uint2 position [[thread_position_in_grid]]) {
    if (position.x >= args.width) {
        return;
    }
    x[ulong(position.y) * args.stride + position.x] *= args.scale;
}
