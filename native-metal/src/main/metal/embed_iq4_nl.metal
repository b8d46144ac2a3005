#include "embed.h"

EMBED_KERNEL(iq4_nl)
