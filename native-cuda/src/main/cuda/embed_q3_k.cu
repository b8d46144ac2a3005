#include "embed.cuh"

EMBED_KERNEL(q3_k, Q3_K)
