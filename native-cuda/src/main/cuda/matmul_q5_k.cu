#include "matmul_exact.cuh"

MATMUL_EXACT_KERNEL(q5_k, Q5_K)
