#include "dequantize.cuh"

DEQUANTIZE_KERNEL(q5_0, Q5_0)
