#include "dequantize_rows.cuh"

DEQUANTIZE_ROWS_KERNEL(mxfp4, MXFP4)
