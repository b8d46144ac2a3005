#include "attention_prefill.cuh"

ATTENTION_PREFILL_ENTRY(attention_prefill_f32_d256, 256, 48000, CachedAttention<CacheF32, 256, PREFILL_COLUMNS / 8, 2>)
ATTENTION_PREFILL_ENTRY(attention_prefill_f32_d512, 512, 89472, CachedAttention<CacheF32, 512, PREFILL_COLUMNS / 8, 2>)
