#include "threadgroup_sum.h"

/** Whether a second branch, normalised by itself as the first one then is, is added to it first: shared and routed experts. */
constant bool TWO_BRANCHES [[function_constant(0)]];
/** Inputs of the next projections made from the new residual, 0 to 3: the same norm with different weights. */
constant uint NEXT_INPUTS [[function_constant(1)]];

/** Strides in floats. next_stride is that of all next inputs. */
struct AddRmsNormArguments {
    uint in_stride;
    uint other_stride;
    uint residual_stride;
    uint next_stride;
    uint width;
    float epsilon;
    float scale;
};
static_assert(sizeof(AddRmsNormArguments) == 28, "as in MetalNorm");

/**
 * residual = (residual + rms(b) * norm) * scale with b = in, or b = rms(in) * in_norm + rms(other) * other_norm; and next = rms(residual) * next_norm for
 * each next input, which saves the pass that would begin the next block. A thread reads again only what it has written itself. Grid (1, rows), threads in whole
 * simdgroups.
 */
kernel void add_rms_norm(device float * in [[buffer(0)]], device const float * norm [[buffer(1)]], device float * residual [[buffer(2)]],
        constant AddRmsNormArguments & args [[buffer(3)]], device const float * in_norm [[buffer(4)]], device const float * other [[buffer(5)]],
        device const float * other_norm [[buffer(6)]], device const float * next_norm_0 [[buffer(7)]], device float * next_0 [[buffer(8)]],
        device const float * next_norm_1 [[buffer(9)]], device float * next_1 [[buffer(10)]], device const float * next_norm_2 [[buffer(11)]],
        device float * next_2 [[buffer(12)]], uint2 group [[threadgroup_position_in_grid]], ushort2 threads [[threads_per_threadgroup]],
        ushort thread_index [[thread_index_in_threadgroup]], ushort simdgroups [[simdgroups_per_threadgroup]],
        ushort simdgroup [[simdgroup_index_in_threadgroup]], ushort lane [[thread_index_in_simdgroup]]) {
    threadgroup float partial[128];
    const ulong row = group.y;
    device float * branch = in + row * args.in_stride;
    device const float * second = other + row * args.other_stride;
    device float * h = residual + row * args.residual_stride;
    const float width = float(args.width);

    float squares = 0.0f;
    for (uint i = thread_index; i < args.width; i += threads.x) {
        squares += branch[i] * branch[i];
    }
    float inverse_rms = precise::rsqrt(threadgroup_sum(squares, partial, simdgroups, simdgroup, lane) / width + args.epsilon);
    if (TWO_BRANCHES) {
        float second_squares = 0.0f;
        for (uint i = thread_index; i < args.width; i += threads.x) {
            second_squares += second[i] * second[i];
        }
        const float second_sum = threadgroup_sum(second_squares, partial + 32, simdgroups, simdgroup, lane);
        const float second_inverse_rms = precise::rsqrt(second_sum / width + args.epsilon);
        squares = 0.0f;
        for (uint i = thread_index; i < args.width; i += threads.x) {
            const float both = branch[i] * inverse_rms * in_norm[i] + second[i] * second_inverse_rms * other_norm[i];
            branch[i] = both;
            squares += both * both;
        }
        inverse_rms = precise::rsqrt(threadgroup_sum(squares, partial + 64, simdgroups, simdgroup, lane) / width + args.epsilon);
    }

    float residual_squares = 0.0f;
    for (uint i = thread_index; i < args.width; i += threads.x) {
        const float x = (h[i] + branch[i] * inverse_rms * norm[i]) * args.scale;
        h[i] = x;
        residual_squares += x * x;
    }
    if (NEXT_INPUTS == 0) {
        return;
    }
    const float residual_sum = threadgroup_sum(residual_squares, partial + 96, simdgroups, simdgroup, lane);
    const float next_inverse_rms = precise::rsqrt(residual_sum / width + args.epsilon);
    for (uint i = thread_index; i < args.width; i += threads.x) {
        const float x = h[i] * next_inverse_rms;
        next_0[row * args.next_stride + i] = x * next_norm_0[i];
        if (NEXT_INPUTS > 1) {
            next_1[row * args.next_stride + i] = x * next_norm_1[i];
        }
        if (NEXT_INPUTS > 2) {
            next_2[row * args.next_stride + i] = x * next_norm_2[i];
        }
    }
}
