#include "expert_matmul.cuh"

EXPERT_MATMUL_KERNEL(iq4_xs, IQ4_XS)
EXPERT_MATMUL_EXACT_KERNEL(iq4_xs, IQ4_XS)
