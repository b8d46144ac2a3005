// MXFP4 rows of a GGUF file to tiles and back, see README.md.
#include "repack_entries.cuh"

REPACK_ENTRIES(mxfp4, MXFP4, Block32Permutation<uint8_t, 1, false, 16>)
