#include "dequantize_rows.cuh"

DEQUANTIZE_ROWS_KERNEL(iq4_nl, IQ4_NL)
