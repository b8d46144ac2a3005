// Q4_0 rows of a GGUF file to tiles and back, see README.md.
#include "repack_entries.cuh"

REPACK_ENTRIES(q4_0, Q4_0, Block32Permutation<uint16_t, 1, false, 16>)
