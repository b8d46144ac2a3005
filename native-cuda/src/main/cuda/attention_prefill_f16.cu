#include "attention_prefill.cuh"

ATTENTION_PREFILL_ENTRY(attention_prefill_f16_d256, CacheF16, 256, 2)
ATTENTION_PREFILL_ENTRY(attention_prefill_f16_d512, CacheF16, 512, 2)
