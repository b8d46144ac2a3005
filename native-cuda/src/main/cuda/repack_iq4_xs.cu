// IQ4_XS rows of a GGUF file to tiles and back, see README.md.
#include "repack_entries.cuh"

REPACK_ENTRIES(iq4_xs, IQ4_XS, IQ4_XSPermutation)
