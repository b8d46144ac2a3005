#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNEL(bf16, BF16)
MATMUL_NARROW_KERNEL(bf16, BF16, 1, 2, 16)
MATMUL_NARROW_KERNEL(bf16, BF16, 2, 8, 64)
MATMUL_EXACT_KERNEL(bf16, BF16)
