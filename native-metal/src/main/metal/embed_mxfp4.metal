#include "embed.h"

EMBED_KERNEL(mxfp4)
