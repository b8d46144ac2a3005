#include "matmul_exact.cuh"

MATMUL_EXACT_KERNEL(q8_0, Q8_0)
