#include "matmul.cuh"
#include "matmul_exact.cuh"
#include "matmul_narrow.cuh"

MATMUL_KERNEL(iq4_xs, IQ4_XS)
MATMUL_NARROW_KERNEL(iq4_xs, IQ4_XS, 1, 2, 16)
MATMUL_NARROW_KERNEL(iq4_xs, IQ4_XS, 2, 8, 64)
MATMUL_EXACT_KERNEL(iq4_xs, IQ4_XS)
