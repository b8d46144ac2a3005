#include "matmul.cuh"

MATMUL_KERNEL(q4_k, Q4_K)
