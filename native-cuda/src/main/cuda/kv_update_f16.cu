#include "kv_update.cuh"

extern "C" __global__ void __launch_bounds__(256)
    kv_update_f16(const float *keys, int keyStride, const float *values, int valueStride, int kvHeads, int headDim, const int *positions,
                  const int *sequences, const KvCacheRef *caches) {
    kvUpdate<uint16_t>(keys, keyStride, values, valueStride, kvHeads, headDim, positions, sequences, caches);
}
