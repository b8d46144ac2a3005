#include "matmul_exact.cuh"

MATMUL_EXACT_KERNEL(q5_1, Q5_1)
