// Blocks of a cluster run at the same time and reach each other's shared memory. Compute capability 9.0 and later.
#pragma once

#include "bulk_copy.cuh"

#if __CUDA_ARCH__ >= 900
// Of barriers that are published and nothing else: a release would wait for all memory of the GPU.
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
    asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(sharedAddress(here)), "r"(block));
    return there;
}

// Writes where another block of the cluster has `at`, and tells a barrier there how many bytes have come.
__device__ __forceinline__ void sendTo(int block, const void *at, const uint64_t *barrier, uint32_t value) {
    asm volatile("st.async.shared::cluster.mbarrier::complete_tx::bytes.u32 [%0], %1, [%2];" ::"r"(sharedOf(at, block)), "r"(value), "r"(sharedOf(barrier, block))
                 : "memory");
}

__device__ __forceinline__ void sendTo(int block, const void *at, const uint64_t *barrier, float2 value) {
    asm volatile("st.async.shared::cluster.mbarrier::complete_tx::bytes.v2.f32 [%0], {%1, %2}, [%3];" ::"r"(sharedOf(at, block)), "f"(value.x), "f"(value.y),
                 "r"(sharedOf(barrier, block))
                 : "memory");
}

__device__ __forceinline__ void sendTo(int block, const void *at, const uint64_t *barrier, float4 value) {
    asm volatile("st.async.shared::cluster.mbarrier::complete_tx::bytes.v4.f32 [%0], {%1, %2, %3, %4}, [%5];" ::"r"(sharedOf(at, block)), "f"(value.x),
                 "f"(value.y), "f"(value.z), "f"(value.w), "r"(sharedOf(barrier, block))
                 : "memory");
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
        "}\n" ::"r"(sharedAddress(barrier)),
        "r"(parity)
        : "memory");
}
#endif
