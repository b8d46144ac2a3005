// Q4_K rows of a GGUF file to tiles and back, see README.md.
#include "repack_entries.cuh"

REPACK_ENTRIES(q4_k, Q4_K, Q4_KPermutation)
