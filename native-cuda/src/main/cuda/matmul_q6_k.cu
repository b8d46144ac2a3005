#include "matmul_exact.cuh"

MATMUL_EXACT_KERNEL(q6_k, Q6_K)
