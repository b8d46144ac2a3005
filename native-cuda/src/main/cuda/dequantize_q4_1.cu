#include "dequantize.cuh"

DEQUANTIZE_KERNEL(q4_1, Q4_1)
