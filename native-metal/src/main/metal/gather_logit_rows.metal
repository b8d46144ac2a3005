#include <metal_stdlib>
using namespace metal;

/** Strides in floats. */
struct GatherLogitRowsArguments {
    uint in_stride;
    uint out_stride;
    uint width;
    uint rows;
};
static_assert(sizeof(GatherLogitRowsArguments) == 16, "as in MetalElementwise");

/**
 * out[i] = in[logit_rows[i]], also in place: logit_rows ascend, and a thread moves its column row by row. Grid of threads (at least width).
 */
kernel void gather_logit_rows(device const float * in [[buffer(0)]], device const int * logit_rows [[buffer(1)]], device float * out [[buffer(2)]],
        constant GatherLogitRowsArguments & args [[buffer(3)]], uint position [[thread_position_in_grid]]) {
    if (position >= args.width) {
        return;
    }
    for (uint i = 0; i < args.rows; i++) {
        out[ulong(i) * args.out_stride + position] = in[ulong(logit_rows[i]) * args.in_stride + position];
    }
}
