// Mat-vec kernels over Q6_K weights in tile layout, see README.md.
#include "matvec_entries.cuh"

MATVEC_ENTRIES(q6_k, Q6_K)
