#include "dequantize_rows.cuh"

DEQUANTIZE_ROWS_KERNEL(q2_k, Q2_K)
