// Q5_1 rows of a GGUF file to tiles and back, see README.md.
#include "repack_entries.cuh"

REPACK_ENTRIES(q5_1, Q5_1, Block32Permutation<uint16_t, 2, true, 16>)
