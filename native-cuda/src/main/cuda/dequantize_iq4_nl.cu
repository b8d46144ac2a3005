#include "dequantize.cuh"

DEQUANTIZE_KERNEL(iq4_nl, IQ4_NL)
