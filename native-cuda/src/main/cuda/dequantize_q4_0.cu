#include "dequantize.cuh"

DEQUANTIZE_KERNEL(q4_0, Q4_0)
