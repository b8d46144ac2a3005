#pragma once
#include <metal_stdlib>
using namespace metal;

/** x * Phi(x) in its approximation by the hyperbolic tangent. */
static inline float gelu_tanh(float x) {
    // tanh is 1 in float from 10 on; a greater argument would overflow in the exponential.
    const float inner = clamp(0.7978845608028654f * (x + 0.044715f * x * x * x), -10.0f, 10.0f);
    return 0.5f * x * (1.0f + precise::tanh(inner));
}
