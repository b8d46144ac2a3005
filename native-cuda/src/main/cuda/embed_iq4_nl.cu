#include "embed.cuh"

EMBED_KERNEL(iq4_nl, IQ4_NL)
