#pragma once
#include "matvec.h"

/** expert_rows: rows of one expert's matrix in the tensor, which may hold gate and up. Slot s reads row s / slots_per_input_row and writes row s. */
struct ExpertMatvecArguments {
    MatvecArguments product;
    uint expert_rows;
    uint slots_per_input_row;
};
static_assert(sizeof(ExpertMatvecArguments) == 36, "as in MetalExperts");

/**
 * Products of few slots, each of which reads the matrix of its expert. TOKENS is 1; first and second are those of expert 0. Grid (ceil(outputs / outputs per
 * threadgroup), slots), 128 threads.
 */
#define EXPERT_MATVEC_KERNEL(TYPE) \
    kernel void expert_matvec_##TYPE(device const block_##TYPE * first [[buffer(0)]], device const block_##TYPE * second [[buffer(1)]], \
            device const float * in [[buffer(2)]], device float * out [[buffer(3)]], device const int * experts [[buffer(4)]], \
            constant ExpertMatvecArguments & args [[buffer(5)]], uint2 group [[threadgroup_position_in_grid]], \
            ushort simdgroup [[simdgroup_index_in_threadgroup]], ushort lane [[thread_index_in_simdgroup]]) { \
        threadgroup float partial[SIMDGROUPS * MAX_TOKENS * MAX_ROWS]; \
        const uint slot = group.y; \
        const ulong skipped = ulong(experts[slot]) * args.expert_rows * (args.product.columns / block_format<block_##TYPE>::WEIGHTS); \
        matvec(first + skipped, second + skipped, in + ulong(slot / args.slots_per_input_row) * args.product.in_stride, \
                out + ulong(slot) * args.product.out_stride, in, args.product, 1, partial, group.x, simdgroup, lane); \
    }
