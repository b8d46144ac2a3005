#include "dequantize_rows.cuh"

DEQUANTIZE_ROWS_KERNEL(q4_k, Q4_K)
