#pragma once
#include <metal_stdlib>
using namespace metal;

/**
 * Cosine and sine of position * frequency, the frequency being (turns.x + turns.y / 2^32) / 2^32 turns. Whole turns drop out of the 32-bit
 * product exactly; a float product would be off by a hundredth of a radian at position 100,000.
 */
static inline float2 rotation(uint2 turns, uint position) {
    const uint fraction = turns.x * position + uint((ulong(turns.y) * position) >> 32);
    const float angle = float(int(fraction)) * 1.4629180792671596e-9f;
    return float2(precise::cos(angle), precise::sin(angle));
}

/** The pair (a, b) turned. */
static inline float2 turned(float a, float b, float2 cos_sin) {
    return float2(a * cos_sin.x - b * cos_sin.y, a * cos_sin.y + b * cos_sin.x);
}
