#include "dequantize.cuh"

DEQUANTIZE_KERNEL(f16, F16)
