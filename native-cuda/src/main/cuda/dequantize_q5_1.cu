#include "dequantize.cuh"

DEQUANTIZE_KERNEL(q5_1, Q5_1)
