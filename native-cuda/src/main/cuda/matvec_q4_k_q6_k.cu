// Mat-vec kernel over Q4_K rows followed by Q6_K rows, as queries and keys beside values, see README.md.
#include "matvec_entries.cuh"

MATVEC_TWO_TYPES_ENTRY(q4_k, Q4_K, q6_k, Q6_K)
