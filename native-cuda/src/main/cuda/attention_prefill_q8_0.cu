#include "attention_compressed.cuh"
#include "attention_prefill.cuh"

ATTENTION_PREFILL_ENTRY(attention_prefill_q8_0_d256, 256, 50176, CompressedAttention<CodesQ8_0, 256, PREFILL_COLUMNS / 8, 2, 2>)
ATTENTION_PREFILL_ENTRY(attention_prefill_q8_0_d512, 512, 97920, CompressedAttention<CodesQ8_0, 512, PREFILL_COLUMNS / 8, 2, 2>)
