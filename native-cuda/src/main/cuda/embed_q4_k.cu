#include "embed.cuh"

EMBED_KERNEL(q4_k, Q4_K)
