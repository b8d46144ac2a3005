#include "embed.h"

EMBED_KERNEL(q8_0)
