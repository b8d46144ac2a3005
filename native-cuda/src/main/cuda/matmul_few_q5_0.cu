#include "matmul_few.cuh"

MATMUL_FEW_KERNELS(q5_0, Q5_0)
