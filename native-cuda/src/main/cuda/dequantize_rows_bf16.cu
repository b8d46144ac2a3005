#include "dequantize_rows.cuh"

DEQUANTIZE_ROWS_KERNEL(bf16, BF16)
