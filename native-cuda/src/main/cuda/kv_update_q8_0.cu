#include "kv_update_compressed.cuh"

KV_UPDATE_COMPRESSED_KERNEL(kv_update_q8_0_d256, CodesQ8_0, 256)
KV_UPDATE_COMPRESSED_KERNEL(kv_update_q8_0_d512, CodesQ8_0, 512)
