#include "matmul_few.cuh"

MATMUL_FEW_KERNELS(iq4_xs, IQ4_XS)
