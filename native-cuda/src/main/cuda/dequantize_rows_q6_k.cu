#include "dequantize_rows.cuh"

DEQUANTIZE_ROWS_KERNEL(q6_k, Q6_K)
