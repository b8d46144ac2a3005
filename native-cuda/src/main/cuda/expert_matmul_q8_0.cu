#include "expert_matmul.cuh"

EXPERT_MATMUL_KERNEL(q8_0, Q8_0)
EXPERT_MATMUL_EXACT_KERNEL(q8_0, Q8_0)
