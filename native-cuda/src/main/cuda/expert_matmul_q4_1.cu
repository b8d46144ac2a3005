#include "expert_matmul.cuh"

EXPERT_MATMUL_KERNEL(q4_1, Q4_1)
EXPERT_MATMUL_EXACT_KERNEL(q4_1, Q4_1)
