#include <metal_stdlib>
using namespace metal;
int f(int n) { return n < 2 ? 1 : n * f(n - 1); }
kernel void k(device float * o [[buffer(0)]], device const half * h [[buffer(1)]], constant uint & n [[buffer(2)]],
              uint i [[thread_position_in_grid]]) {
o[i] = f(int(i));
}
