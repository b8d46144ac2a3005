#include "attention_heads.cuh"

ATTENTION_HEADS_KERNEL(attention_heads_tq4_d256, CodesTQ4, 256)
ATTENTION_HEADS_KERNEL(attention_heads_tq4_d512, CodesTQ4, 512)
