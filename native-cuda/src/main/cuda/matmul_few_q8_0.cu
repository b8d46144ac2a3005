#include "matmul_few.cuh"

MATMUL_FEW_KERNELS(q8_0, Q8_0)
