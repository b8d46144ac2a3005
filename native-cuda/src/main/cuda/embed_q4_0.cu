#include "embed.cuh"

EMBED_KERNEL(q4_0, Q4_0)
