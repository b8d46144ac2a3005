#include "matmul_exact.cuh"

MATMUL_EXACT_KERNEL(q4_k, Q4_K)
