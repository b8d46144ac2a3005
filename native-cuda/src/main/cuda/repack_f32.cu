// F32 rows of a GGUF file to tiles and back, see README.md.
#include "repack_entries.cuh"

REPACK_ENTRIES(f32, F32, FloatPermutation<4>)
