#include "dequantize.cuh"

DEQUANTIZE_KERNEL(q6_k, Q6_K)
