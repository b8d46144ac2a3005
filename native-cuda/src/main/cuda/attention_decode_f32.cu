#include "attention_decode.cuh"

ATTENTION_DECODE_ENTRY(attention_decode_f32_d256, CacheF32, 256, 4, 2)
ATTENTION_DECODE_ENTRY(attention_decode_f32_d512, CacheF32, 512, 4, 1)
