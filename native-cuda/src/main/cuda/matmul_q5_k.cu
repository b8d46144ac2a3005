#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNELS(q5_k, Q5_K)
MATMUL_NARROW_KERNELS(q5_k, Q5_K)
MATMUL_EXACT_KERNEL(q5_k, Q5_K)
