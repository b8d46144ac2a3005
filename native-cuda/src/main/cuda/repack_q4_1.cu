// Q4_1 rows of a GGUF file to tiles and back, see README.md.
#include "repack_entries.cuh"

REPACK_ENTRIES(q4_1, Q4_1, Block32Permutation<uint16_t, 2, false, 16>)
