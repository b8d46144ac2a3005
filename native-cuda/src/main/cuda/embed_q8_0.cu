#include "embed.cuh"

EMBED_KERNEL(q8_0, Q8_0)
