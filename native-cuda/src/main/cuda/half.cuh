#pragma once
#include <stdint.h>

// IEEE 754 binary16 as bit patterns. cuda_fp16.h would do the same; without it a file compiles in a third of the time.

__device__ __forceinline__ float half_to_float(uint32_t bits) {
    float value;
    asm("{ .reg .b16 h; cvt.u16.u32 h, %1; cvt.f32.f16 %0, h; }" : "=f"(value) : "r"(bits));
    return value;
}

/** Two floats rounded to nearest, the first in the lower half. */
__device__ __forceinline__ uint32_t floats_to_half2(float first, float second) {
    uint32_t packed;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(second), "f"(first));
    return packed;
}
