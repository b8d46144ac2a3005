#include "head_rotation.h"

/** Whether a rotation is taken back. */
constant bool RESTORE [[function_constant(0)]];

/** Strides in floats; factor of walsh_hadamard. */
struct HeadRotationArguments {
    uint in_stride;
    uint out_stride;
    uint head_dim;
    float factor;
};
static_assert(sizeof(HeadRotationArguments) == 16, "as in MetalHeadRotation");

/** Turns one head of one row, of at most 512 elements; out may be in. Grid (heads, rows), one threadgroup of any size. */
kernel void head_rotation(device const float * in [[buffer(0)]], device float * out [[buffer(1)]], constant HeadRotationArguments & args [[buffer(2)]],
        uint2 group [[threadgroup_position_in_grid]], ushort2 threads [[threads_per_threadgroup]], ushort thread_index [[thread_index_in_threadgroup]]) {
    threadgroup float head[512];
    device const float * from = in + ulong(group.y) * args.in_stride + group.x * args.head_dim;
    device float * to = out + ulong(group.y) * args.out_stride + group.x * args.head_dim;
    for (uint i = thread_index; i < args.head_dim; i += threads.x) {
        head[i] = RESTORE ? from[i] : with_sign(from[i], i);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    walsh_hadamard(head, args.head_dim, args.factor, thread_index, threads.x);
    for (uint i = thread_index; i < args.head_dim; i += threads.x) {
        to[i] = RESTORE ? with_sign(head[i], i) : head[i];
    }
}
