#include "expert_matmul.cuh"

EXPERT_MATMUL_KERNEL(mxfp4, MXFP4)
EXPERT_MATMUL_EXACT_KERNEL(mxfp4, MXFP4)
