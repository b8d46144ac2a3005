#include "matmul_few.cuh"

MATMUL_FEW_KERNELS(q5_k, Q5_K)
