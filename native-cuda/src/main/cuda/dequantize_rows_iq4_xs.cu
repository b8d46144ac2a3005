#include "dequantize_rows.cuh"

DEQUANTIZE_ROWS_KERNEL(iq4_xs, IQ4_XS)
