#include "dequantize.cuh"

DEQUANTIZE_KERNEL(mxfp4, MXFP4)
