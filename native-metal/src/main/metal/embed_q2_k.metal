#include "embed.h"

EMBED_KERNEL(q2_k)
