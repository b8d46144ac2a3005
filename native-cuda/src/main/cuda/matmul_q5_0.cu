#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNEL(q5_0, Q5_0)
MATMUL_NARROW_KERNEL(q5_0, Q5_0, 1, 2, 16)
MATMUL_NARROW_KERNEL(q5_0, Q5_0, 2, 8, 64)
MATMUL_EXACT_KERNEL(q5_0, Q5_0)
