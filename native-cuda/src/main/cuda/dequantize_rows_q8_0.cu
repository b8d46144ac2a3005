#include "dequantize_rows.cuh"

DEQUANTIZE_ROWS_KERNEL(q8_0, Q8_0)
