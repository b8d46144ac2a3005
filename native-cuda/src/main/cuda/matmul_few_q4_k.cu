#include "matmul_few.cuh"

MATMUL_FEW_KERNELS(q4_k, Q4_K)
