#include "attention_compressed_tiles.h"
#include "attention.h"

// Sixteen entries read each key; their queries are rounded to halves.
ATTENTION_TAIL_KERNELS(attention_prefill_tq4, compressed<tq4>, half, 2)
