// Mat-vec kernels over MXFP4 weights in tile layout, see README.md.
#include "matvec_entries.cuh"

MATVEC_ENTRIES(mxfp4, MXFP4)
