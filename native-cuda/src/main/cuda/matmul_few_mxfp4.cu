#include "matmul_few.cuh"

MATMUL_FEW_KERNELS(mxfp4, MXFP4)
