#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNELS(q4_k, Q4_K)
MATMUL_NARROW_KERNELS(q4_k, Q4_K)
MATMUL_EXACT_KERNEL(q4_k, Q4_K)
