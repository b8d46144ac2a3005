#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNELS(q8_0, Q8_0)
MATMUL_NARROW_KERNELS(q8_0, Q8_0)
MATMUL_EXACT_KERNEL(q8_0, Q8_0)
