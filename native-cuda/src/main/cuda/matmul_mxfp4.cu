#include "matmul_exact.cuh"

MATMUL_EXACT_KERNEL(mxfp4, MXFP4)
