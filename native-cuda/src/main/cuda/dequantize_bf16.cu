#include "dequantize.cuh"

DEQUANTIZE_KERNEL(bf16, BF16)
