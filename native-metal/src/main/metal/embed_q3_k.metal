#include "embed.h"

EMBED_KERNEL(q3_k)
