#include "matmul_exact.cuh"

MATMUL_EXACT_KERNEL(q5_0, Q5_0)
