// Bulk copies from global to shared memory that complete on an mbarrier (compute capability 9.0 and later).
#pragma once

#include <cstdint>

#if __CUDA_ARCH__ >= 900
#define BULK_COPY 1
#else
#define BULK_COPY 0
#endif

#if BULK_COPY
__device__ __forceinline__ unsigned sharedAddress(const void* pointer) {
    return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}

// One arrival, by the thread that issues the copy.
__device__ __forceinline__ void initBarrier(uint64_t* barrier) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(sharedAddress(barrier)) : "memory");
}

// Makes initialized barriers visible to the copy engine.
__device__ __forceinline__ void publishBarriers() {
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}

// The one arrival, and how many bytes are to come.
__device__ __forceinline__ void expectBytes(uint64_t* barrier, int bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(sharedAddress(barrier)), "r"(bytes) : "memory");
}

// Both addresses and the size are multiples of 16 bytes.
__device__ __forceinline__ void startBulkCopy(void* to, const void* from, int bytes, uint64_t* barrier) {
    expectBytes(barrier, bytes);
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(sharedAddress(to)), "l"(from), "r"(bytes),
                 "r"(sharedAddress(barrier))
                 : "memory");
}

__device__ __forceinline__ void waitForCopy(uint64_t* barrier, unsigned parity) {
    asm volatile(
        "{\n"
        ".reg .pred done;\n"
        "again:\n"
        "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
        "@done bra finished;\n"
        "bra again;\n"
        "finished:\n"
        "}\n" ::"r"(sharedAddress(barrier)),
        "r"(parity)
        : "memory");
}
#endif
