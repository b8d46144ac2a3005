#include "embed.h"

EMBED_KERNEL(bf16)
