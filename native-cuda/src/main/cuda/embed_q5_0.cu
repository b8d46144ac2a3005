#include "embed.cuh"

EMBED_KERNEL(q5_0, Q5_0)
