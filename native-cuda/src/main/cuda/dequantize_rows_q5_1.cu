#include "dequantize_rows.cuh"

DEQUANTIZE_ROWS_KERNEL(q5_1, Q5_1)
