#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNELS(q4_1, Q4_1)
MATMUL_NARROW_KERNELS(q4_1, Q4_1)
MATMUL_EXACT_KERNEL(q4_1, Q4_1)
