#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNEL(q3_k, Q3_K)
MATMUL_NARROW_KERNEL(q3_k, Q3_K, 1, 2, 16)
MATMUL_NARROW_KERNEL(q3_k, Q3_K, 2, 8, 64)
MATMUL_EXACT_KERNEL(q3_k, Q3_K)
