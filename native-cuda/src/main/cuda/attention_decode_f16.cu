#include "attention_decode_cluster.cuh"

ATTENTION_DECODE_ENTRY(attention_decode_f16_d256, CacheF16, 256, 4, 2)
ATTENTION_DECODE_CLUSTER_ENTRY(attention_decode_f16_d256_cluster, CacheF16, 256)
ATTENTION_DECODE_ENTRY(attention_decode_f16_d512, CacheF16, 512, 4, 1)
ATTENTION_DECODE_CLUSTER_ENTRY(attention_decode_f16_d512_cluster, CacheF16, 512)
ATTENTION_DECODE_ENTRY(attention_decode_f16_d512_derived, CacheF16Derived, 512, 4, 1)
ATTENTION_DECODE_CLUSTER_ENTRY(attention_decode_f16_d512_derived_cluster, CacheF16Derived, 512)
