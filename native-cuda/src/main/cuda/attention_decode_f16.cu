#include "attention_decode.cuh"

ATTENTION_DECODE_ENTRY(attention_decode_f16_d256, CacheF16, 256, 4, 2, false)
ATTENTION_DECODE_CLUSTER_ENTRY(attention_decode_f16_d256_cluster, CacheF16, 256, 4, 2)
ATTENTION_DECODE_ENTRY(attention_decode_f16_d512, CacheF16, 512, 4, 1, false)
