// The warpgroup matrix instructions of compute capability 9.0 (sm_90a), with what they need around them: descriptors, barriers, registers.
#pragma once
#include <stdint.h>

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define WGMMA 1
#else
#define WGMMA 0
#endif

#if WGMMA
#include "bulk_copy.cuh"

/** Operand with the 128-byte swizzle whose rows of 64 halves run along k; groups of 8 rows follow each other. */
__device__ __forceinline__ uint64_t k_major_operand(const void* shared) {
    constexpr uint64_t SWIZZLE_128 = 1ull << 62, GROUP_STRIDE = static_cast<uint64_t>(1024 >> 4) << 32, UNUSED = 1ull << 16;
    return SWIZZLE_128 | GROUP_STRIDE | UNUSED | (sharedAddress(shared) & 0x3FFFF) >> 4;
}

/**
 * Operand with the 128-byte swizzle whose rows of 64 halves run along n, one row for each k: groups of 8 rows follow each other, the next 64 columns
 * stand `column_stride` bytes further.
 */
__device__ __forceinline__ uint64_t n_major_operand(const void* shared, uint32_t column_stride) {
    constexpr uint64_t SWIZZLE_128 = 1ull << 62, GROUP_STRIDE = static_cast<uint64_t>(1024 >> 4) << 32;
    return SWIZZLE_128 | GROUP_STRIDE | static_cast<uint64_t>(column_stride >> 4) << 16 | (sharedAddress(shared) & 0x3FFFF) >> 4;
}

/** Between other accesses to registers and shared memory and the instructions of a group. */
__device__ __forceinline__ void begin_wgmma() {
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

__device__ __forceinline__ void commit_wgmma() {
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

/** Waits until at most PENDING groups of this warpgroup are unfinished. */
template <int PENDING>
__device__ __forceinline__ void wait_wgmma() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(PENDING) : "memory");
}

/** Keeps the compiler from moving accesses to sums across asynchronous instructions. */
template <int N>
__device__ __forceinline__ void pin_sums(float (&c)[N]) {
#pragma unroll
    for (int i = 0; i < N; i++) {
        asm volatile("" : "+f"(c[i])::"memory");
    }
}

template <int REGISTERS>
__device__ __forceinline__ void grow_registers() {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(REGISTERS));
}

template <int REGISTERS>
__device__ __forceinline__ void shrink_registers() {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(REGISTERS));
}

__device__ __forceinline__ void init_barrier(uint64_t* barrier, int arrivals) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(sharedAddress(barrier)), "r"(arrivals) : "memory");
}

__device__ __forceinline__ void arrive(uint64_t* barrier) {
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(sharedAddress(barrier)) : "memory");
}

__device__ __forceinline__ void expect_bytes(uint64_t* barrier, int bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(sharedAddress(barrier)), "r"(bytes) : "memory");
}

__device__ __forceinline__ void bulk_copy(void* to, const void* from, int bytes, uint64_t* barrier) {
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(sharedAddress(to)), "l"(from),
                 "r"(bytes), "r"(sharedAddress(barrier))
                 : "memory");
}

// Operand lists: %0 .. of the sums, then the operands of the product.
#define WGMMA_TEN(t) "%" #t "0, %" #t "1, %" #t "2, %" #t "3, %" #t "4, %" #t "5, %" #t "6, %" #t "7, %" #t "8, %" #t "9, "
#define WGMMA_8(i) "+f"(c[i]), "+f"(c[i + 1]), "+f"(c[i + 2]), "+f"(c[i + 3]), "+f"(c[i + 4]), "+f"(c[i + 5]), "+f"(c[i + 6]), "+f"(c[i + 7])
#define WGMMA_32(i) WGMMA_8(i), WGMMA_8(i + 8), WGMMA_8(i + 16), WGMMA_8(i + 24)
#define WGMMA_SUMS_32 WGMMA_TEN() WGMMA_TEN(1) WGMMA_TEN(2) "%30, %31"
#define WGMMA_SUMS_64 WGMMA_TEN() WGMMA_TEN(1) WGMMA_TEN(2) WGMMA_TEN(3) WGMMA_TEN(4) WGMMA_TEN(5) "%60, %61, %62, %63"
#define WGMMA_SUMS_96 \
    WGMMA_TEN() WGMMA_TEN(1) WGMMA_TEN(2) WGMMA_TEN(3) WGMMA_TEN(4) WGMMA_TEN(5) WGMMA_TEN(6) WGMMA_TEN(7) WGMMA_TEN(8) \
    "%90, %91, %92, %93, %94, %95"
#define WGMMA_SUMS_112 \
    WGMMA_TEN() WGMMA_TEN(1) WGMMA_TEN(2) WGMMA_TEN(3) WGMMA_TEN(4) WGMMA_TEN(5) WGMMA_TEN(6) WGMMA_TEN(7) WGMMA_TEN(8) WGMMA_TEN(9) \
    WGMMA_TEN(10) "%110, %111"
#define WGMMA_SUMS_128 \
    WGMMA_TEN() WGMMA_TEN(1) WGMMA_TEN(2) WGMMA_TEN(3) WGMMA_TEN(4) WGMMA_TEN(5) WGMMA_TEN(6) WGMMA_TEN(7) WGMMA_TEN(8) WGMMA_TEN(9) \
    WGMMA_TEN(10) WGMMA_TEN(11) "%120, %121, %122, %123, %124, %125, %126, %127"

// Both operands from shared memory, rows along k. a, b, add: the numbers of the operands that come after the sums.
#define WGMMA_K_MAJOR(N, SUMS, a, b, add, ...) \
    __device__ __forceinline__ void multiply_k_major(float (&c)[N / 2], uint64_t rows, uint64_t columns, int accumulate) { \
        asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" #add ", 0;\n" \
                     "wgmma.mma_async.sync.aligned.m64n" #N "k16.f32.f16.f16 {" SUMS "}, %" #a ", %" #b ", p, 1, 1, 0, 0;\n}" \
                     : __VA_ARGS__ \
                     : "l"(rows), "l"(columns), "r"(accumulate)); \
    }

/** c (+)= rows [64][16] times columns [N][16]: lane l of warp w has rows 16 w + l / 4 (+ 8), columns 8 j + 2 (l % 4) (+ 1) in c[4 j ..]. */
WGMMA_K_MAJOR(64, WGMMA_SUMS_32, 32, 33, 34, WGMMA_32(0))
WGMMA_K_MAJOR(128, WGMMA_SUMS_64, 64, 65, 66, WGMMA_32(0), WGMMA_32(32))
WGMMA_K_MAJOR(192, WGMMA_SUMS_96, 96, 97, 98, WGMMA_32(0), WGMMA_32(32), WGMMA_32(64))
WGMMA_K_MAJOR(224, WGMMA_SUMS_112, 112, 113, 114, WGMMA_32(0), WGMMA_32(32), WGMMA_32(64), WGMMA_8(96), WGMMA_8(104))
WGMMA_K_MAJOR(256, WGMMA_SUMS_128, 128, 129, 130, WGMMA_32(0), WGMMA_32(32), WGMMA_32(64), WGMMA_32(96))

/** c += rows [64][16], whose fragments are in registers, times columns [16][256] of an n_major_operand. */
__device__ __forceinline__ void multiply_n_major(float (&c)[128], const uint32_t (&a)[4], uint64_t columns) {
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %133, 0;\n"
                 "wgmma.mma_async.sync.aligned.m64n256k16.f32.f16.f16 {" WGMMA_SUMS_128 "}, {%128, %129, %130, %131}, %132, p, 1, 1, 1;\n}"
                 : WGMMA_32(0), WGMMA_32(32), WGMMA_32(64), WGMMA_32(96)
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(columns), "r"(1));
}

/** The same with rows of a k_major_operand. */
__device__ __forceinline__ void multiply_n_major(float (&c)[128], uint64_t rows, uint64_t columns) {
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %130, 0;\n"
                 "wgmma.mma_async.sync.aligned.m64n256k16.f32.f16.f16 {" WGMMA_SUMS_128 "}, %128, %129, p, 1, 1, 0, 1;\n}"
                 : WGMMA_32(0), WGMMA_32(32), WGMMA_32(64), WGMMA_32(96)
                 : "l"(rows), "l"(columns), "r"(1));
}
#endif
