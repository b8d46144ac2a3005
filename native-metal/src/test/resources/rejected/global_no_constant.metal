#include <metal_stdlib>
using namespace metal;
float tab[2] = { 1.0f, 2.0f };
kernel void k(device float * o [[buffer(0)]], device const half * h [[buffer(1)]], constant uint & n [[buffer(2)]],
              uint i [[thread_position_in_grid]]) {
o[i] = tab[i];
}
