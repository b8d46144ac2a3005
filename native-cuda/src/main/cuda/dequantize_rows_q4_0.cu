#include "dequantize_rows.cuh"

DEQUANTIZE_ROWS_KERNEL(q4_0, Q4_0)
