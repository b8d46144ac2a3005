#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNELS(q6_k, Q6_K)
MATMUL_NARROW_KERNELS(q6_k, Q6_K)
MATMUL_EXACT_KERNEL(q6_k, Q6_K)
