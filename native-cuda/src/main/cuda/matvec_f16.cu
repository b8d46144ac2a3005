// Mat-vec kernels over F16 weights in tile layout, see README.md.
#include "matvec_entries.cuh"

MATVEC_ENTRIES(f16, F16)
