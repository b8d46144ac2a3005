#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNELS(q5_0, Q5_0)
MATMUL_NARROW_KERNELS(q5_0, Q5_0)
MATMUL_EXACT_KERNEL(q5_0, Q5_0)
