#include "embed.cuh"

EMBED_KERNEL(f16, F16)
