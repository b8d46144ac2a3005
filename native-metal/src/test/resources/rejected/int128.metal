#include <metal_stdlib>
using namespace metal;
kernel void k(device float * o [[buffer(0)]], device const half * h [[buffer(1)]], constant uint & n [[buffer(2)]],
              uint i [[thread_position_in_grid]]) {
__int128 x = 1; o[i] = x;
}
