#include "embed.cuh"

EMBED_KERNEL(q5_k, Q5_K)
