// Mat-vec kernels over IQ4_XS weights in tile layout, see README.md.
#include "matvec_entries.cuh"

MATVEC_ENTRIES(iq4_xs, IQ4_XS)
