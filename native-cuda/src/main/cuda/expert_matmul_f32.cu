#include "expert_matmul_exact.cuh"

EXPERT_MATMUL_EXACT_KERNEL(f32, F32)
