#include "expert_matmul.cuh"

EXPERT_MATMUL_KERNEL(q5_0, Q5_0)
EXPERT_MATMUL_EXACT_KERNEL(q5_0, Q5_0)
