#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNEL(mxfp4, MXFP4)
MATMUL_NARROW_KERNEL(mxfp4, MXFP4, 1, 2, 16)
MATMUL_NARROW_KERNEL(mxfp4, MXFP4, 2, 8, 64)
MATMUL_EXACT_KERNEL(mxfp4, MXFP4)
