// What the blocks of a cluster tell each other. Compute capability 9.0 and later.
#pragma once

#include <stdint.h>

constexpr int CLUSTER_BLOCKS = 8;

#if __CUDA_ARCH__ >= 900
// This thread has started; its block's shared memory may be written by others once all have waited.
__device__ __forceinline__ void arriveStarted() {
    asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory");
}

// All that this thread stored before is on its way to those that wait.
__device__ __forceinline__ void arriveStored() {
    asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
}

// Until all threads of the cluster have arrived.
__device__ __forceinline__ void waitForCluster() {
    asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
}

// Where a block of the cluster has what stands at `here` in this one.
__device__ __forceinline__ uint32_t sharedOf(const void *here, int block) {
    uint32_t there;
    asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(here))), "r"(block));
    return there;
}

__device__ __forceinline__ void storeRemote(uint32_t there, float x) {
    asm volatile("st.shared::cluster.f32 [%0], %1;" ::"r"(there), "f"(x) : "memory");
}

__device__ __forceinline__ void storeRemote(uint32_t there, float2 x) {
    asm volatile("st.shared::cluster.v2.f32 [%0], {%1, %2};" ::"r"(there), "f"(x.x), "f"(x.y) : "memory");
}

__device__ __forceinline__ void storeRemote(uint32_t there, float4 x) {
    asm volatile("st.shared::cluster.v4.f32 [%0], {%1, %2, %3, %4};" ::"r"(there), "f"(x.x), "f"(x.y), "f"(x.z), "f"(x.w) : "memory");
}
#endif
