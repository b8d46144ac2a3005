#include "matmul_exact.cuh"

MATMUL_EXACT_KERNEL(f16, F16)
