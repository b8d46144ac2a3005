// Mat-vec kernels over Q5_1 weights in tile layout, see README.md.
#include "matvec_entries.cuh"

MATVEC_ENTRIES(q5_1, Q5_1)
