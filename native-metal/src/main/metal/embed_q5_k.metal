#include "embed.h"

EMBED_KERNEL(q5_k)
