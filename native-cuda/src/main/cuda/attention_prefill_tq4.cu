#include "attention_compressed.cuh"
#include "attention_prefill.cuh"

ATTENTION_PREFILL_ENTRY(attention_prefill_tq4_d256, 256, 50176, CompressedAttention<CodesTQ4, 256, PREFILL_COLUMNS / 8, 2, 2>)
ATTENTION_PREFILL_ENTRY(attention_prefill_tq4_d512, 512, 97920, CompressedAttention<CodesTQ4, 512, PREFILL_COLUMNS / 8, 2, 2>)
