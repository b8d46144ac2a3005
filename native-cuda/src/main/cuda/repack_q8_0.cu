// Q8_0 rows of a GGUF file to tiles and back, see README.md.
#include "repack_entries.cuh"

REPACK_ENTRIES(q8_0, Q8_0, Block32Permutation<uint16_t, 1, false, 32>)
