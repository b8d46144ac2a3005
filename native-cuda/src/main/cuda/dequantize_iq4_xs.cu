#include "dequantize.cuh"

DEQUANTIZE_KERNEL(iq4_xs, IQ4_XS)
