#include "expert_matmul.cuh"

EXPERT_MATMUL_KERNEL(q2_k, Q2_K)
EXPERT_MATMUL_EXACT_KERNEL(q2_k, Q2_K)
