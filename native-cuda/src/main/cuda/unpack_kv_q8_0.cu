#include "unpack_kv.cuh"

UNPACK_KV_KERNEL(unpack_kv_q8_0_d256, CodesQ8_0, 256)
UNPACK_KV_KERNEL(unpack_kv_q8_0_d512, CodesQ8_0, 512)
