#include <metal_stdlib>
using namespace metal;
thread_local int x;
kernel void k(device float * o [[buffer(0)]], device const half * h [[buffer(1)]], constant uint & n [[buffer(2)]],
              uint i [[thread_position_in_grid]]) {
o[i] = 1;
}
