#include <metal_stdlib>
using namespace metal;
struct S { float a, b; };
kernel void k(device float * o [[buffer(0)]], device const half * h [[buffer(1)]], constant uint & n [[buffer(2)]],
              uint i [[thread_position_in_grid]]) {
S s; s.a = 1; s.b = 2; o[i] = simd_sum(s).a;
}
