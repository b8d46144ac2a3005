#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNELS(f16, F16)
MATMUL_NARROW_KERNELS(f16, F16)
MATMUL_EXACT_KERNEL(f16, F16)
