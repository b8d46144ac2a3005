// Mat-vec kernels over BF16 weights in tile layout, see README.md.
#include "matvec_entries.cuh"

MATVEC_ENTRIES(bf16, BF16)
