#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNEL(q4_1, Q4_1)
MATMUL_NARROW_KERNEL(q4_1, Q4_1, 1, 2, 16)
MATMUL_NARROW_KERNEL(q4_1, Q4_1, 2, 8, 64)
MATMUL_EXACT_KERNEL(q4_1, Q4_1)
