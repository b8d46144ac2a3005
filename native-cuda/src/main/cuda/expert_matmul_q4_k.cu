#include "expert_matmul.cuh"

EXPERT_MATMUL_KERNEL(q4_k, Q4_K)
EXPERT_MATMUL_EXACT_KERNEL(q4_k, Q4_K)
