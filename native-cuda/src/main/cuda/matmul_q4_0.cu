#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNELS(q4_0, Q4_0)
MATMUL_NARROW_KERNELS(q4_0, Q4_0)
MATMUL_EXACT_KERNEL(q4_0, Q4_0)
