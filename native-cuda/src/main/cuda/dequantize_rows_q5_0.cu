#include "dequantize_rows.cuh"

DEQUANTIZE_ROWS_KERNEL(q5_0, Q5_0)
