#include "matmul_few.cuh"

MATMUL_FEW_KERNELS(q6_k, Q6_K)
