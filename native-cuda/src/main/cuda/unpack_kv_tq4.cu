#include "unpack_kv.cuh"

UNPACK_KV_KERNEL(unpack_kv_tq4_d256, CodesTQ4, 256)
UNPACK_KV_KERNEL(unpack_kv_tq4_d512, CodesTQ4, 512)
