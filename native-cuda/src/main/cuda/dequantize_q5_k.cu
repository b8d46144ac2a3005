#include "dequantize.cuh"

DEQUANTIZE_KERNEL(q5_k, Q5_K)
