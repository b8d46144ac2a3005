#include "matmul_exact.cuh"

MATMUL_EXACT_KERNEL(q4_1, Q4_1)
