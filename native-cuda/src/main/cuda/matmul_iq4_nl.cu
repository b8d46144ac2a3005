#include "matmul_exact.cuh"

MATMUL_EXACT_KERNEL(iq4_nl, IQ4_NL)
