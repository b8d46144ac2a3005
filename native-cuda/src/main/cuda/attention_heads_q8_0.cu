#include "attention_heads.cuh"

ATTENTION_HEADS_KERNEL(attention_heads_q8_0_d256, CodesQ8_0, 256)
ATTENTION_HEADS_KERNEL(attention_heads_q8_0_d512, CodesQ8_0, 512)
