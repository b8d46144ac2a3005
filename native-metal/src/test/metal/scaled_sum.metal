// y += a * x, where a is fixed when the kernel is compiled.
#include <metal_stdlib>
using namespace metal;

#include "scaled_sum.h"

constant float FACTOR [[function_constant(0)]];

kernel void scaled_sum(device const float * x [[buffer(0)]],
                       device float * y [[buffer(1)]],
                       constant ScaledSumArguments & args [[buffer(2)]],
                       uint i [[thread_position_in_grid]]) {
    if (i < args.count) {
        y[i] = fma(FACTOR * args.scale, x[i], y[i]);
    }
}
