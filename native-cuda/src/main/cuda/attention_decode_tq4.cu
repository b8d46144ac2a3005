#include "attention_decode_compressed.cuh"

ATTENTION_DECODE_COMPRESSED_ENTRY(attention_decode_tq4_d256, CodesTQ4, 256, 2, 2)
ATTENTION_DECODE_COMPRESSED_ENTRY(attention_decode_tq4_d512, CodesTQ4, 512, 4, 1)
