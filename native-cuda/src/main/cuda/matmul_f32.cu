#include "matmul_exact.cuh"

MATMUL_EXACT_KERNEL(f32, F32)
