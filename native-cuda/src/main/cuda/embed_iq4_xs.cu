#include "embed.cuh"

EMBED_KERNEL(iq4_xs, IQ4_XS)
