#include "expert_matmul.cuh"

EXPERT_MATMUL_EXACT_KERNEL(f32, F32)
