#include "attention_compressed_tiles.h"
#include "attention.h"

// Sixteen entries read each key; their queries are rounded to halves.
ATTENTION_KERNELS(attention_prefill_q8_0, compressed<q8_0>, half, 2)
