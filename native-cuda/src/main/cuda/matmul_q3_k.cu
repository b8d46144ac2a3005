#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNELS(q3_k, Q3_K)
MATMUL_NARROW_KERNELS(q3_k, Q3_K)
MATMUL_EXACT_KERNEL(q3_k, Q3_K)
