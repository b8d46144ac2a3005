#include "matmul_exact.cuh"

MATMUL_EXACT_KERNEL(iq4_xs, IQ4_XS)
