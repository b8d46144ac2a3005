#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNELS(q2_k, Q2_K)
MATMUL_NARROW_KERNELS(q2_k, Q2_K)
MATMUL_EXACT_KERNEL(q2_k, Q2_K)
