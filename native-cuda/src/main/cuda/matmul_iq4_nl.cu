#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNELS(iq4_nl, IQ4_NL)
MATMUL_NARROW_KERNELS(iq4_nl, IQ4_NL)
MATMUL_EXACT_KERNEL(iq4_nl, IQ4_NL)
