// Barriers and what they order.
#pragma once

namespace metal {

enum class mem_flags { mem_none = 0, mem_device = 1, mem_threadgroup = 2 };

inline constexpr mem_flags operator|(mem_flags a, mem_flags b) {
    return (mem_flags)((int)a | (int)b);
}

#ifdef MSL_STRICT
void threadgroup_barrier(mem_flags);
void simdgroup_barrier(mem_flags);
#else
// Threads meet only at the same place of the source.
#define MSL_SITE int site = __builtin_LINE() * 512 + __builtin_COLUMN()

inline __attribute__((always_inline)) void threadgroup_barrier(mem_flags memory, MSL_SITE) {
    msl_threadgroup_barrier(site, (int)memory);
    __asm__ volatile("" ::: "memory");
}

inline __attribute__((always_inline)) void simdgroup_barrier(mem_flags memory, MSL_SITE) {
    msl_simdgroup_barrier(site, (int)memory);
    __asm__ volatile("" ::: "memory");
}
#endif

}
