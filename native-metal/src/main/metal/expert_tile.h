#pragma once
#include <metal_stdlib>
using namespace metal;

/** Slots of one expert that a threadgroup of expert_matmul takes. */
constant constexpr uint EXPERT_TILE = 32;
