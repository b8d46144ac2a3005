#include "matmul_exact.cuh"

MATMUL_EXACT_KERNEL(bf16, BF16)
