// F16 rows of a GGUF file to tiles and back, see README.md.
#include "repack_entries.cuh"

REPACK_ENTRIES(f16, F16, FloatPermutation<2>)
