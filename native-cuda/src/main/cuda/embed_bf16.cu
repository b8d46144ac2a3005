#include "embed.cuh"

EMBED_KERNEL(bf16, BF16)
