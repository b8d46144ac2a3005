#include "dequantize_rows.cuh"

DEQUANTIZE_ROWS_KERNEL(q5_k, Q5_K)
