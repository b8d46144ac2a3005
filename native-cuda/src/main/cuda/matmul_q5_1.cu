#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNELS(q5_1, Q5_1)
MATMUL_NARROW_KERNELS(q5_1, Q5_1)
MATMUL_EXACT_KERNEL(q5_1, Q5_1)
