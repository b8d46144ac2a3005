#include "dequantize.cuh"

DEQUANTIZE_KERNEL(q4_k, Q4_K)
