#include "dequantize.cuh"

DEQUANTIZE_KERNEL(q8_0, Q8_0)
