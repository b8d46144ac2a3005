#include "matmul_exact.cuh"

MATMUL_EXACT_KERNEL(q4_0, Q4_0)
