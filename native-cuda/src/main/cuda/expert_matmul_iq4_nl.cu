#include "expert_matmul.cuh"

EXPERT_MATMUL_KERNEL(iq4_nl, IQ4_NL)
EXPERT_MATMUL_EXACT_KERNEL(iq4_nl, IQ4_NL)
