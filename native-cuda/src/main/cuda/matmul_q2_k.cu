#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNEL(q2_k, Q2_K)
MATMUL_NARROW_KERNEL(q2_k, Q2_K, 1, 2, 16)
MATMUL_NARROW_KERNEL(q2_k, Q2_K, 2, 8, 64)
MATMUL_EXACT_KERNEL(q2_k, Q2_K)
