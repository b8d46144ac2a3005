#include "activation.h"

/** Strides in floats. */
struct GegluArguments {
    uint gate_stride;
    uint up_stride;
    uint out_stride;
    uint width;
};
static_assert(sizeof(GegluArguments) == 16, "as in MetalElementwise");

/** out = gelu(gate) * up, also in place. Grid of threads (at least width, rows). */
kernel void geglu(device const float * gate [[buffer(0)]], device const float * up [[buffer(1)]], device float * out [[buffer(2)]],
        constant GegluArguments & args [[buffer(3)]], uint2 position [[thread_position_in_grid]]) {
    if (position.x >= args.width) {
        return;
    }
    const float g = gate[ulong(position.y) * args.gate_stride + position.x];
    out[ulong(position.y) * args.out_stride + position.x] = gelu_tanh(g) * up[ulong(position.y) * args.up_stride + position.x];
}
