#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNELS(mxfp4, MXFP4)
MATMUL_NARROW_KERNELS(mxfp4, MXFP4)
MATMUL_EXACT_KERNEL(mxfp4, MXFP4)
