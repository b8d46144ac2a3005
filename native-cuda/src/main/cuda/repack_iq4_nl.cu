// IQ4_NL rows of a GGUF file to tiles and back, see README.md.
#include "repack_entries.cuh"

REPACK_ENTRIES(iq4_nl, IQ4_NL, Block32Permutation<uint16_t, 1, false, 16>)
