#include "expert_matmul.cuh"

EXPERT_MATMUL_KERNEL(q5_k, Q5_K)
EXPERT_MATMUL_EXACT_KERNEL(q5_k, Q5_K)
