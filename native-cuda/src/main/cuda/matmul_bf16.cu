#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNELS(bf16, BF16)
MATMUL_NARROW_KERNELS(bf16, BF16)
MATMUL_EXACT_KERNEL(bf16, BF16)
