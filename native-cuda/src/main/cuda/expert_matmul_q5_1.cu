#include "expert_matmul.cuh"

EXPERT_MATMUL_KERNEL(q5_1, Q5_1)
EXPERT_MATMUL_EXACT_KERNEL(q5_1, Q5_1)
