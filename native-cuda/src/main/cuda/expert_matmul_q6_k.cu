#include "expert_matmul.cuh"

EXPERT_MATMUL_KERNEL(q6_k, Q6_K)
EXPERT_MATMUL_EXACT_KERNEL(q6_k, Q6_K)
