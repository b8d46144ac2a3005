#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNEL(q6_k, Q6_K)
MATMUL_NARROW_KERNEL(q6_k, Q6_K, 1, 2, 16)
MATMUL_NARROW_KERNEL(q6_k, Q6_K, 2, 8, 64)
MATMUL_EXACT_KERNEL(q6_k, Q6_K)
