#include "embed.cuh"

EMBED_KERNEL(q6_k, Q6_K)
