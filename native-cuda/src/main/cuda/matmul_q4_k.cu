#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNEL(q4_k, Q4_K)
MATMUL_NARROW_KERNEL(q4_k, Q4_K, 1, 2, 16)
MATMUL_NARROW_KERNEL(q4_k, Q4_K, 2, 8, 64)
MATMUL_EXACT_KERNEL(q4_k, Q4_K)
