#include "embed.h"

EMBED_KERNEL(q4_1)
