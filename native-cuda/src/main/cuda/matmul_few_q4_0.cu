#include "matmul_few.cuh"

MATMUL_FEW_KERNELS(q4_0, Q4_0)
