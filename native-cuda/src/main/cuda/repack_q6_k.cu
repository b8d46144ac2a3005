// Q6_K rows of a GGUF file to tiles and back, see README.md.
#include "repack_entries.cuh"

REPACK_ENTRIES(q6_k, Q6_K, Q6_KPermutation)
