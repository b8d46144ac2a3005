// Mat-vec kernels over F32 weights in tile layout, see README.md.
#include "matvec_entries.cuh"

MATVEC_ENTRIES(f32, F32)
