#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNEL(q8_0, Q8_0)
MATMUL_NARROW_KERNEL(q8_0, Q8_0, 1, 2, 16)
MATMUL_NARROW_KERNEL(q8_0, Q8_0, 2, 8, 64)
MATMUL_EXACT_KERNEL(q8_0, Q8_0)
