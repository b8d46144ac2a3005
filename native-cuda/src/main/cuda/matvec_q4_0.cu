// Mat-vec kernels over Q4_0 weights in tile layout, see README.md.
#include "matvec_entries.cuh"

MATVEC_ENTRIES(q4_0, Q4_0)
