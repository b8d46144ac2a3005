#include "dequantize_rows.cuh"

DEQUANTIZE_ROWS_KERNEL(f16, F16)
