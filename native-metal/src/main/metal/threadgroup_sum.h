#pragma once
#include <metal_stdlib>
using namespace metal;

/** The sum over a threadgroup of whole simdgroups, in every thread. partial: 32 floats that nothing else uses before the next barrier. */
static inline float threadgroup_sum(float value, threadgroup float * partial, ushort simdgroups, ushort simdgroup, ushort lane) {
    const float of_simdgroup = simd_sum(value);
    if (lane == 0) {
        partial[simdgroup] = of_simdgroup;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const float part = lane < simdgroups ? partial[lane] : 0.0f;
    return simd_sum(part);
}
