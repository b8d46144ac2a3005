#include "embed.cuh"

EMBED_KERNEL(q5_1, Q5_1)
