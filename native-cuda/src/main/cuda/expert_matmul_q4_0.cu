#include "expert_matmul.cuh"

EXPERT_MATMUL_KERNEL(q4_0, Q4_0)
EXPERT_MATMUL_EXACT_KERNEL(q4_0, Q4_0)
