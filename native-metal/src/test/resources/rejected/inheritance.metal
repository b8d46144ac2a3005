#include <metal_stdlib>
using namespace metal;
struct A { float a; }; struct B : A { float b; };
kernel void k(device float * o [[buffer(0)]], device const half * h [[buffer(1)]], constant uint & n [[buffer(2)]],
              uint i [[thread_position_in_grid]]) {
B x; x.a = 1; o[i] = x.a;
}
