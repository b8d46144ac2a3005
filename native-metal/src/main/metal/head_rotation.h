#pragma once
#include <metal_stdlib>
using namespace metal;

// A random rotation of the vectors of heads, H (s x) / sqrt(width): signs s drawn once and for all, H the Hadamard matrix of order width, the largest power
// of two that divides the head. The order of its additions is the same everywhere, so that the bits are.

/** Whether element i of a head changes its sign: the top bit of a hash of 32 bits. */
static inline bool changes_sign(uint i) {
    uint hash = i * 0x9E3779B1u;
    hash ^= hash >> 15;
    return (hash * 0x85EBCA77u) >> 31 != 0;
}

static inline float with_sign(float x, uint i) {
    return changes_sign(i) ? -x : x;
}

/** x = factor H x by all threads of a threadgroup, from one barrier to the next; factor = 1 / sqrt(width). */
static inline void walsh_hadamard(threadgroup float * x, uint head_dim, float factor, ushort thread_index, ushort threads) {
    const uint width = head_dim & (0u - head_dim);
    for (uint stride = 1; stride < width; stride *= 2) {
        const float after = 2 * stride == width ? factor : 1.0f;
        for (uint pair = thread_index; pair < head_dim / 2; pair += threads) {
            const uint in_run = pair & (stride - 1);
            const uint i = 2 * (pair - in_run) + in_run;
            const float a = x[i];
            const float b = x[i + stride];
            x[i] = (a + b) * after;
            x[i + stride] = (a - b) * after;
        }
        threadgroup_barrier(mem_flags::mem_threadgroup);
    }
}
