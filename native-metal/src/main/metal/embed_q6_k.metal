#include "embed.h"

EMBED_KERNEL(q6_k)
