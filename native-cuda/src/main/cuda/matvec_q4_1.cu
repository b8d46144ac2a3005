// Mat-vec kernels over Q4_1 weights in tile layout, see README.md.
#include "matvec_entries.cuh"

MATVEC_ENTRIES(q4_1, Q4_1)
