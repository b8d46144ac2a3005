#include "attention_prefill.cuh"

ATTENTION_PREFILL_ENTRY(attention_prefill_f16_d256, 256, 48000, CachedAttention<CacheF16, 256, PREFILL_COLUMNS / 8, 2>)
ATTENTION_PREFILL_ENTRY(attention_prefill_f16_d512, 512, 89472, CachedAttention<CacheF16, 512, PREFILL_COLUMNS / 8, 2>)
ATTENTION_PREFILL_ENTRY(attention_prefill_f16_d512_derived, 512, 89472, CachedAttention<CacheF16Derived, 512, PREFILL_COLUMNS / 8, 2>)
