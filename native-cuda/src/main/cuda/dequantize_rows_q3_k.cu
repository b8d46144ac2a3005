#include "dequantize_rows.cuh"

DEQUANTIZE_ROWS_KERNEL(q3_k, Q3_K)
