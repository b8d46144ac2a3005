#include "matmul_exact.cuh"

MATMUL_EXACT_KERNEL(q2_k, Q2_K)
