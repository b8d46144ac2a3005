// Blocks of a cluster run at the same time and reach each other's shared memory. Compute capability 9.0 and later.
#pragma once

#include <cstdint>

#if __CUDA_ARCH__ >= 900
// All threads of the cluster have come here, and see what the others wrote before.
__device__ __forceinline__ void clusterBarrier() {
    asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
}

// The same in two parts, for barriers that are published and nothing else: without the fence, which waits for all memory of the GPU.
__device__ __forceinline__ void arriveAtCluster() {
    asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory");
}

__device__ __forceinline__ void waitForCluster() {
    asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
}

// The number of this block in its cluster.
__device__ __forceinline__ int clusterRank() {
    int rank;
    asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
    return rank;
}

// Where a block of the cluster has what stands at `here` in this one.
__device__ __forceinline__ uint32_t sharedOf(const void *here, int block) {
    uint32_t there;
    asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(here))), "r"(block));
    return there;
}

// Until all bytes have come that a barrier of this block expects from blocks of the cluster.
__device__ __forceinline__ void waitForBytes(const uint64_t *barrier, unsigned parity) {
    asm volatile(
        "{\n"
        ".reg .pred done;\n"
        "again:\n"
        "mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 done, [%0], %1;\n"
        "@done bra finished;\n"
        "bra again;\n"
        "finished:\n"
        "}\n" ::"r"(static_cast<uint32_t>(__cvta_generic_to_shared(barrier))),
        "r"(parity)
        : "memory");
}
#endif
