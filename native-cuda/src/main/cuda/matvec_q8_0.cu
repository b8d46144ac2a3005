// Mat-vec kernels over Q8_0 weights in tile layout, see README.md.
#include "matvec_entries.cuh"

MATVEC_ENTRIES(q8_0, Q8_0)
