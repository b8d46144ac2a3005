#include "kv_update_compressed.cuh"

KV_UPDATE_COMPRESSED_KERNEL(kv_update_tq4_d256, CodesTQ4, 256)
KV_UPDATE_COMPRESSED_KERNEL(kv_update_tq4_d512, CodesTQ4, 512)
