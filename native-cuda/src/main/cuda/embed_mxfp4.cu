#include "embed.cuh"

EMBED_KERNEL(mxfp4, MXFP4)
