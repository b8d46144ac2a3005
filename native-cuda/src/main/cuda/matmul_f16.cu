#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNEL(f16, F16)
MATMUL_NARROW_KERNEL(f16, F16, 1, 2, 16)
MATMUL_NARROW_KERNEL(f16, F16, 2, 8, 64)
MATMUL_EXACT_KERNEL(f16, F16)
