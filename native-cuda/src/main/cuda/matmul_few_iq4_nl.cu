#include "matmul_few.cuh"

MATMUL_FEW_KERNELS(iq4_nl, IQ4_NL)
