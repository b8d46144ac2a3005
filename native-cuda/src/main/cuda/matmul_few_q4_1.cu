#include "matmul_few.cuh"

MATMUL_FEW_KERNELS(q4_1, Q4_1)
