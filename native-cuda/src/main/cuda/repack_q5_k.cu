// Q5_K rows of a GGUF file to tiles and back, see README.md.
#include "repack_entries.cuh"

REPACK_ENTRIES(q5_k, Q5_K, Q5_KPermutation)
