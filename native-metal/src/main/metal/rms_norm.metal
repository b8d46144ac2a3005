#include "threadgroup_sum.h"

/** Whether there is a weight to multiply with. */
constant bool HAS_NORM [[function_constant(0)]];

/** Strides in floats; width of one group. */
struct RmsNormArguments {
    uint in_stride;
    uint out_stride;
    uint width;
    float epsilon;
};
static_assert(sizeof(RmsNormArguments) == 16, "as in MetalNorm");

/** out = in / sqrt(mean(in^2) + epsilon) * norm for each group of each row, also in place. Grid (groups, rows), threads in whole simdgroups. */
kernel void rms_norm(device const float * in [[buffer(0)]], device const float * norm [[buffer(1)]], device float * out [[buffer(2)]],
        constant RmsNormArguments & args [[buffer(3)]], uint2 group [[threadgroup_position_in_grid]], ushort2 threads [[threads_per_threadgroup]],
        ushort thread_index [[thread_index_in_threadgroup]], ushort simdgroups [[simdgroups_per_threadgroup]],
        ushort simdgroup [[simdgroup_index_in_threadgroup]], ushort lane [[thread_index_in_simdgroup]]) {
    threadgroup float partial[32];
    device const float * from = in + ulong(group.y) * args.in_stride + group.x * args.width;
    device float * to = out + ulong(group.y) * args.out_stride + group.x * args.width;
    float squares = 0.0f;
    for (uint i = thread_index; i < args.width; i += threads.x) {
        squares += from[i] * from[i];
    }
    const float sum = threadgroup_sum(squares, partial, simdgroups, simdgroup, lane);
    const float inverse_rms = precise::rsqrt(sum / float(args.width) + args.epsilon);
    for (uint i = thread_index; i < args.width; i += threads.x) {
        const float x = from[i] * inverse_rms;
        to[i] = HAS_NORM ? x * norm[i] : x;
    }
}
