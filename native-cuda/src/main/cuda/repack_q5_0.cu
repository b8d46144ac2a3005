// Q5_0 rows of a GGUF file to tiles and back, see README.md.
#include "repack_entries.cuh"

REPACK_ENTRIES(q5_0, Q5_0, Block32Permutation<uint16_t, 1, true, 16>)
