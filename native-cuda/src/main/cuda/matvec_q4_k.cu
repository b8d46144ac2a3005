// Mat-vec kernels over Q4_K weights in tile layout, see README.md.
#include "matvec_entries.cuh"

MATVEC_ENTRIES(q4_k, Q4_K)
