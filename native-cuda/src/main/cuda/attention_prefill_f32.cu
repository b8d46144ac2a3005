#include "attention_prefill.cuh"

ATTENTION_PREFILL_ENTRY(attention_prefill_f32_d256, CacheF32, 256, 2)
ATTENTION_PREFILL_ENTRY(attention_prefill_f32_d512, CacheF32, 512, 2)
