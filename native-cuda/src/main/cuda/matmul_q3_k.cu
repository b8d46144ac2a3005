#include "matmul_exact.cuh"

MATMUL_EXACT_KERNEL(q3_k, Q3_K)
