#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNEL(q5_k, Q5_K)
MATMUL_NARROW_KERNEL(q5_k, Q5_K, 1, 2, 16)
MATMUL_NARROW_KERNEL(q5_k, Q5_K, 2, 8, 64)
MATMUL_EXACT_KERNEL(q5_k, Q5_K)
