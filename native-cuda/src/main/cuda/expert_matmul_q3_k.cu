#include "expert_matmul.cuh"

EXPERT_MATMUL_KERNEL(q3_k, Q3_K)
EXPERT_MATMUL_EXACT_KERNEL(q3_k, Q3_K)
