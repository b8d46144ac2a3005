#include "attention_decode_compressed.cuh"

ATTENTION_DECODE_COMPRESSED_ENTRY(attention_decode_q8_0_d256, CodesQ8_0, 256, 4, 2)
ATTENTION_DECODE_COMPRESSED_ENTRY(attention_decode_q8_0_d512, CodesQ8_0, 512, 8, 1)
