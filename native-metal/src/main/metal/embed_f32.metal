#include "embed.h"

EMBED_KERNEL(f32)
