#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNELS(iq4_xs, IQ4_XS)
MATMUL_NARROW_KERNELS(iq4_xs, IQ4_XS)
MATMUL_EXACT_KERNEL(iq4_xs, IQ4_XS)
