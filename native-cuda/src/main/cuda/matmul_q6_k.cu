#include "matmul.cuh"

MATMUL_KERNEL(q6_k, Q6_K)
