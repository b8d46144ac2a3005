// Mat-vec kernels over Q5_K weights in tile layout, see README.md.
#include "matvec_entries.cuh"

MATVEC_ENTRIES(q5_k, Q5_K)
