#include "attention_compressed_tiles.h"
#include "attention.h"

// A row has few entries: eight of them, in floats.
ATTENTION_TAIL_KERNELS(attention_decode_tq4, compressed<tq4>, float, 1)
