#include "attention_compressed_tiles.h"
#include "attention.h"

// A row has few entries: eight of them, in floats.
ATTENTION_KERNELS(attention_decode_q8_0, compressed<q8_0>, float, 1)
