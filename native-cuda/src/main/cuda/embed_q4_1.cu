#include "embed.cuh"

EMBED_KERNEL(q4_1, Q4_1)
