// Mat-vec kernels over IQ4_NL weights in tile layout, see README.md.
#include "matvec_entries.cuh"

MATVEC_ENTRIES(iq4_nl, IQ4_NL)
