#include "matmul_few.cuh"

MATMUL_FEW_KERNELS(q5_1, Q5_1)
