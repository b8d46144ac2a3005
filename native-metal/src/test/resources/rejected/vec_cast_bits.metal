#include <metal_stdlib>
using namespace metal;
kernel void k(device float * o [[buffer(0)]], device const half * h [[buffer(1)]], constant uint & n [[buffer(2)]],
              uint i [[thread_position_in_grid]]) {
float4 b = float4(1.0f); int4 c = (int4)b; o[i] = c.x;
}
