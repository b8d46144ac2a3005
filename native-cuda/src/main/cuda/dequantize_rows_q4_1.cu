#include "dequantize_rows.cuh"

DEQUANTIZE_ROWS_KERNEL(q4_1, Q4_1)
