#include <metal_stdlib>
using namespace metal;

/** Strides in floats. */
struct SoftcapArguments {
    uint stride;
    uint width;
    float cap;
};
static_assert(sizeof(SoftcapArguments) == 12, "as in MetalElementwise");

/** x = cap * tanh(x / cap). Grid of threads (at least width, rows). */
kernel void softcap(device float * x [[buffer(0)]],
        constant SoftcapArguments & args [[buffer(1)]], uint2 position [[thread_position_in_grid]]) {
    if (position.x >= args.width) {
        return;
    }
    device float * to = x + ulong(position.y) * args.stride + position.x;
    *to = args.cap * precise::tanh(*to / args.cap);
}
