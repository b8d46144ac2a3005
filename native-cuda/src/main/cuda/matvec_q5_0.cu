// Mat-vec kernels over Q5_0 weights in tile layout, see README.md.
#include "matvec_entries.cuh"

MATVEC_ENTRIES(q5_0, Q5_0)
