#include "embed.cuh"

EMBED_KERNEL(f32, F32)
