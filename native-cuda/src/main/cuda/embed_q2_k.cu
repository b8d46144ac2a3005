#include "embed.cuh"

EMBED_KERNEL(q2_k, Q2_K)
